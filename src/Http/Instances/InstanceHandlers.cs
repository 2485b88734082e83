using Microsoft.AspNetCore.Http;
using Polyphony.Core.Client;
using Polyphony.Core.Durable;
using Polyphony.Http.Requests;
using Polyphony.Http.Serialization;

namespace Polyphony.Http.Instances;

/// <summary>Reads instances. Statuses and fields as in Durable Functions' HTTP API. Thread-safe.</summary>
/// <param name="client">The workflows.</param>
/// <param name="options">The settings.</param>
public sealed class InstanceHandlers(WorkflowClient client, PolyphonyHttpOptions options)
{
    /// <summary>The header that carries the token of the next page, both ways.</summary>
    public const string ContinuationHeader = "x-ms-continuation-token";

    private const string StatusRetryAfter = "5";

    /// <summary>GET /api/instances.</summary>
    /// <param name="context">The request.</param>
    /// <returns>200 with a page, newest first; the header <c>x-ms-continuation-token</c> leads to the next page.</returns>
    public Task<IResult> ListAsync(HttpContext context) => Guard.Run(context, async () =>
    {
        var query = new QueryReader(context.Request);
        var input = query.Flag("showInput", false);
        var tags = query.Tags("tag");
        if (query.Text("workflow", 100) is { } workflow)
        {
            tags[WorkflowClient.WorkflowTag] = workflow;
        }

        var asked = new OrchestrationQuery
        {
            Statuses = query.Statuses("runtimeStatus"),
            InstanceIdPrefix = query.Text("instanceIdPrefix", DurableLimits.MaxInstanceIdLength),
            CreatedFrom = query.Time("createdTimeFrom"),
            CreatedTo = query.Time("createdTimeTo"),
            Tags = tags,
            IncludeChildren = query.Flag("showChildren", false),
            FetchInputsAndOutputs = true,
            PageSize = query.Whole("top", 1, OrchestrationQuery.MaxPageSize, OrchestrationQuery.DefaultPageSize),
            ContinuationToken = context.Request.Headers[ContinuationHeader] is [{ Length: > 0 } token] ? token : null,
        };
        query.Check();

        var page = await client.Durable.QueryAsync(asked, context.RequestAborted);
        var statuses = new List<InstanceStatus>(page.Instances.Count);
        foreach (var metadata in page.Instances)
        {
            var status = await client.DescribeAsync(metadata, new WorkflowStatusOptions(input, Output: false), context.RequestAborted);
            statuses.Add(InstanceStatus.From(status, context.Request));
        }

        if (page.ContinuationToken is not null)
        {
            context.Response.Headers[ContinuationHeader] = page.ContinuationToken;
        }

        return TypedResults.Json(statuses, HttpJsonContext.Default.ListInstanceStatus);
    });

    /// <summary>GET /api/instances/{id}.</summary>
    /// <param name="context">The request.</param>
    /// <param name="id">The instance's id.</param>
    /// <returns>202 while it runs, 200 once it has finished, 404; with <c>wait</c>, it answers when the instance has finished or after that many seconds.</returns>
    public Task<IResult> GetAsync(HttpContext context, string id) => Guard.Run(context, async () =>
    {
        WorkflowClient.CheckInstanceId(id);
        var query = new QueryReader(context.Request);
        var wait = query.Wait();
        var shown = new WorkflowStatusOptions(query.Flag("showInput", true), Output: true, query.Flag("showOutcomes", false));
        var history = query.Flag("showHistory", false);
        var payloads = query.Flag("showHistoryOutput", false);
        query.Check();

        await WaitAsync(id, wait, context.RequestAborted);
        var status = InstanceStatus.From(await client.GetAsync(id, shown, context.RequestAborted) ?? throw new InstanceNotFoundException(id), context.Request);
        if (history)
        {
            status = status with
            {
                HistoryEvents = [.. (await client.Durable.GetHistoryAsync(id, 0, context.RequestAborted)).Select(each => InstanceHistory.Describe(each, payloads))],
            };
        }

        return Status(context, status);
    });

    /// <summary>GET /api/instances/{id}/history.</summary>
    /// <param name="context">The request.</param>
    /// <param name="id">The instance's id.</param>
    /// <returns>200 with the events from sequence <c>from</c> on, or 404.</returns>
    public Task<IResult> HistoryAsync(HttpContext context, string id) => Guard.Run(context, async () =>
    {
        WorkflowClient.CheckInstanceId(id);
        var query = new QueryReader(context.Request);
        var from = query.Sequence("from");
        var payloads = query.Flag("showHistoryOutput", true);
        query.Check();

        var events = await client.Durable.GetHistoryAsync(id, from, context.RequestAborted);
        return TypedResults.Json(new InstanceHistory(id, [.. events.Select(each => InstanceHistory.Describe(each, payloads))]), HttpJsonContext.Default.InstanceHistory);
    });

    /// <summary>GET /api/instances/{id}/timeline.</summary>
    /// <param name="context">The request.</param>
    /// <param name="id">The instance's id.</param>
    /// <returns>200 with what happened, oldest first, or 404.</returns>
    public Task<IResult> TimelineAsync(HttpContext context, string id) => Guard.Run(context, async () =>
    {
        WorkflowClient.CheckInstanceId(id);
        var query = new QueryReader(context.Request);
        var from = query.Whole("from", 0, int.MaxValue, 0);
        var top = query.Whole("top", 1, 10_000, 1_000);
        query.Check();

        var steps = RunTimeline.Of(await client.Durable.GetHistoryAsync(id, 0, context.RequestAborted));
        return TypedResults.Json(new InstanceTimeline(id, [.. steps.Skip(from).Take(top)]), HttpJsonContext.Default.InstanceTimeline);
    });

    /// <summary>GET /api/instances/{id}/stream: server-sent events.</summary>
    /// <param name="context">The request; <c>Last-Event-ID</c> says where an earlier stream ended.</param>
    /// <param name="id">The instance's id.</param>
    /// <returns>200 with the events until the instance has finished, 204 if the caller has seen them all, or 404.</returns>
    public Task<IResult> StreamAsync(HttpContext context, string id) => Guard.Run(context, async () =>
    {
        WorkflowClient.CheckInstanceId(id);
        var query = new QueryReader(context.Request);
        var payloads = query.Flag("showHistoryOutput", true);
        query.Check();
        var position = StreamPosition.Read(context.Request);
        var metadata = await client.Durable.GetAsync(id, fetchInputsAndOutputs: false, context.RequestAborted) ?? throw new InstanceNotFoundException(id);

        // An EventSource connects again after every end; "no content" is how it is told that there is no more.
        return metadata.IsFinished && position.Version == metadata.Version
            ? TypedResults.NoContent()
            : new InstanceStream(client, id, position, payloads, options.Heartbeat, options.TimeProvider);
    });

    /// <summary>Answers with a status: 202 while it runs, 200 once it has finished.</summary>
    internal static IResult Status(HttpContext context, InstanceStatus status)
    {
        var finished = status.RuntimeStatus is OrchestrationRuntimeStatus.Completed or OrchestrationRuntimeStatus.Failed or OrchestrationRuntimeStatus.Terminated;
        if (!finished)
        {
            context.Response.Headers.Location = InstanceLinks.InstanceUri(context.Request, status.InstanceId);
            context.Response.Headers.RetryAfter = StatusRetryAfter;
        }

        return TypedResults.Json(status, HttpJsonContext.Default.InstanceStatus, statusCode: finished ? StatusCodes.Status200OK : StatusCodes.Status202Accepted);
    }

    /// <summary>Waits until the instance has finished or the time is up.</summary>
    internal async Task WaitAsync(string id, TimeSpan wait, CancellationToken cancellationToken)
    {
        if (wait == TimeSpan.Zero)
        {
            return;
        }

        using var timeout = new CancellationTokenSource(wait, options.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            await client.Durable.WaitForCompletionAsync(id, either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // The time is up: the caller gets the status as it is now.
        }
    }
}
