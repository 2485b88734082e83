using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Polyphony.Core.Client;
using Polyphony.Core.Durable;
using Polyphony.Core.Locks;
using Polyphony.Core.Runs;
using Polyphony.Core.Topics;
using Polyphony.Http.Approvals;
using Polyphony.Http.Requests;
using Polyphony.Http.Serialization;

namespace Polyphony.Http.Instances;

/// <summary>Manages instances. A finished instance answers 410. Thread-safe.</summary>
/// <param name="client">The workflows.</param>
/// <param name="answers">Checks answers to what instances wait for.</param>
/// <param name="options">The settings.</param>
public sealed class ManageHandlers(WorkflowClient client, AnswerCheck answers, PolyphonyHttpOptions options)
{
    private const int MaxReasonLength = 1000;
    private const int MaxEventNameLength = 200;

    /// <summary>POST /api/instances/{id}/events/{name}: sends an event; the body, any JSON, is its payload.</summary>
    /// <param name="context">The request.</param>
    /// <param name="id">The instance's id.</param>
    /// <param name="name">The event's name.</param>
    /// <returns>202 once it is committed, 400 with every violation if the instance waits for something else, 404, 410.</returns>
    public Task<IResult> RaiseEventAsync(HttpContext context, string id, string name) => Guard.RunPlain(context, async () =>
    {
        WorkflowClient.CheckInstanceId(id);
        CheckEventName(name);
        var body = await JsonBody.ReadAsync(context.Request, options.MaxBodyBytes, context.RequestAborted);
        await answers.CheckAsync(id, name, body, context.RequestAborted);
        await client.RaiseEventAsync(id, name, body, context.RequestAborted);
        return TypedResults.StatusCode(StatusCodes.Status202Accepted);
    });

    /// <summary>POST /api/instances/{id}/suspend.</summary>
    /// <param name="context">The request; <c>reason</c> is kept in the history.</param>
    /// <param name="id">The instance's id.</param>
    /// <returns>202 once it is committed, 404, 410.</returns>
    public Task<IResult> SuspendAsync(HttpContext context, string id) => ActAsync(context, id, client.Durable.SuspendAsync);

    /// <summary>POST /api/instances/{id}/resume.</summary>
    /// <param name="context">The request; <c>reason</c> is kept in the history.</param>
    /// <param name="id">The instance's id.</param>
    /// <returns>202 once it is committed, 404, 410.</returns>
    public Task<IResult> ResumeAsync(HttpContext context, string id) => ActAsync(context, id, client.Durable.ResumeAsync);

    /// <summary>POST /api/instances/{id}/terminate.</summary>
    /// <param name="context">The request; <c>reason</c> becomes the output.</param>
    /// <param name="id">The instance's id.</param>
    /// <returns>202 once it is committed, 404, 410.</returns>
    public Task<IResult> TerminateAsync(HttpContext context, string id) => ActAsync(context, id, async (instance, reason, cancellationToken) =>
    {
        // What waits there would be lost, and what is sent later as well.
        if (instance.StartsWith(TopicNames.Prefix, StringComparison.Ordinal)
            && await client.Durable.GetAsync(instance, fetchInputsAndOutputs: false, cancellationToken) is { Name: TaskNames.MailboxOrchestration })
        {
            throw new Problems.RequestProblemException(
                Problems.ProblemCodes.MailboxNeverEnds, $"\"{instance}\" is a mailbox, which never ends: its messages would be lost. Suspend it, or terminate the run that handles its current message.");
        }

        if (instance.StartsWith(LockNames.Prefix, StringComparison.Ordinal) && await client.Durable.GetAsync(instance, fetchInputsAndOutputs: false, cancellationToken) is { IsFinished: false })
        {
            throw new Problems.RequestProblemException(
                Problems.ProblemCodes.LockInUse, $"\"{instance}\" keeps a lock: without it two could hold the lock at a time. Terminate the instance that holds the lock; the next one gets it.");
        }

        await client.Durable.TerminateAsync(instance, reason is null ? null : JsonSerializer.Serialize(reason, HttpJsonContext.Default.String), cancellationToken);
    });

    /// <summary>POST /api/instances/{id}/rewind: runs the failed part again.</summary>
    /// <param name="context">The request; <c>reason</c> is kept in the history.</param>
    /// <param name="id">The instance's id.</param>
    /// <returns>202 once it is committed, 404, 409 while it runs, 410 if it did not fail.</returns>
    public Task<IResult> RewindAsync(HttpContext context, string id) => ActAsync(context, id, client.RewindAsync);

    /// <summary>POST /api/instances/{id}/restart: starts another with the same workflow, input and tags.</summary>
    /// <param name="context">The request; <c>newInstanceId</c> gives the new id.</param>
    /// <param name="id">The instance's id.</param>
    /// <returns>202 with the new instance's links, 404, 409 while it runs, 429 beyond the limits on unfinished instances.</returns>
    public Task<IResult> RestartAsync(HttpContext context, string id) => Guard.Run(context, async () =>
    {
        WorkflowClient.CheckInstanceId(id);
        var query = new QueryReader(context.Request);
        var newId = query.Text("newInstanceId", DurableLimits.MaxInstanceIdLength);
        query.Check();
        return StartHandlers.Accepted(context, await client.RestartAsync(id, newId, options.Admission, context.RequestAborted));
    });

    /// <summary>DELETE /api/instances/{id}: removes a finished instance with its children, history and values.</summary>
    /// <param name="context">The request.</param>
    /// <param name="id">The instance's id.</param>
    /// <returns>200 with the number removed, 404, 409 while it runs.</returns>
    public Task<IResult> PurgeAsync(HttpContext context, string id) => Guard.RunPlain(context, async () =>
    {
        WorkflowClient.CheckInstanceId(id);
        var removed = await client.Durable.PurgeAsync(id, context.RequestAborted);
        return removed == 0
            ? throw new InstanceNotFoundException(id)
            : TypedResults.Json(new PurgeResult(removed), HttpJsonContext.Default.PurgeResult);
    });

    private static Task<IResult> ActAsync(HttpContext context, string id, Func<string, string?, CancellationToken, Task> act) => Guard.Run(context, async () =>
    {
        WorkflowClient.CheckInstanceId(id);
        var query = new QueryReader(context.Request);
        var reason = query.Text("reason", MaxReasonLength);
        query.Check();
        await act(id, reason, context.RequestAborted);
        return TypedResults.StatusCode(StatusCodes.Status202Accepted);
    });

    private static void CheckEventName(string name)
    {
        if (name.Length is 0 or > MaxEventNameLength || name.Any(char.IsControl))
        {
            throw new Problems.RequestProblemException(
                Problems.ProblemCodes.InvalidRequest, $"The event's name must have 1 to {MaxEventNameLength} characters, none of them a control character.");
        }

        if (name.StartsWith(EventNames.OwnPrefix, StringComparison.OrdinalIgnoreCase))
        {
            throw new Problems.RequestProblemException(
                Problems.ProblemCodes.InvalidRequest, $"Event names that begin with \"{EventNames.OwnPrefix}\" are reserved for the host. To end an instance, POST to /terminate.");
        }
    }
}
