using System.Text.Json;
using Polyphony.Core.Client;
using Polyphony.Http.Problems;
using Polyphony.Http.Requests;

namespace Polyphony.Http.Instances;

/// <summary>
/// Starts instances for messages and events, which may be delivered more than once: a message starts one instance, however often and whenever
/// it is delivered again. The same rules hold as for a start over HTTP, but for the limits on unfinished instances. Thread-safe.
/// </summary>
/// <param name="client">The workflows.</param>
public sealed class MessageStarts(WorkflowClient client)
{
    /// <summary>Starts what a message asks for: a <see cref="StartMessage"/>.</summary>
    /// <param name="message">The message, JSON in UTF-8.</param>
    /// <param name="source">Where it comes from, such as <c>queue/NAME</c>; within it <paramref name="messageId"/> is unique.</param>
    /// <param name="messageId">The message's id; it gives the instance's, unless the message names one.</param>
    /// <param name="cancellationToken">Cancels the wait; the start may already have been committed.</param>
    /// <returns>What it started, now or before.</returns>
    /// <exception cref="PolyphonyException">It can't be started; <see cref="ProblemTable"/> describes why.</exception>
    public Task<StartedInstance> StartAsync(ReadOnlyMemory<byte> message, string source, string messageId, CancellationToken cancellationToken = default)
    {
        var body = JsonBody.Parse(message);
        var start = StartMessage.Read(body);
        var key = start.InstanceId is { } id ? IdempotencyKey.OfId(id, body) : IdempotencyKey.Of(source, messageId, body);
        return StartAsync(start.Workflow, start, key, cancellationToken);
    }

    /// <summary>Starts a workflow with a message as its input.</summary>
    /// <param name="workflow">The workflow's name.</param>
    /// <param name="input">The input, JSON in UTF-8.</param>
    /// <param name="source">As above.</param>
    /// <param name="messageId">The message's id; it gives the instance's.</param>
    /// <param name="cancellationToken">As above.</param>
    /// <returns>What it started, now or before.</returns>
    /// <exception cref="PolyphonyException">It can't be started.</exception>
    public Task<StartedInstance> StartAsync(string workflow, ReadOnlyMemory<byte> input, string source, string messageId, CancellationToken cancellationToken = default)
    {
        var body = JsonBody.Parse(input);
        return StartAsync(workflow, new StartInstance { Input = body }, IdempotencyKey.Of(source, messageId, body), cancellationToken);
    }

    /// <summary>Starts a workflow for something that has happened.</summary>
    /// <param name="workflow">The workflow's name.</param>
    /// <param name="input">The input.</param>
    /// <param name="source">Where it comes from; within it <paramref name="eventId"/> is unique.</param>
    /// <param name="eventId">The event's id, the same for every delivery; it alone decides whether a delivery is a repeat.</param>
    /// <param name="cancellationToken">As above.</param>
    /// <returns>What it started, now or before.</returns>
    /// <exception cref="PolyphonyException">It can't be started.</exception>
    public Task<StartedInstance> StartAsync(string workflow, JsonElement input, string source, string eventId, CancellationToken cancellationToken = default) =>
        StartAsync(workflow, new StartInstance { Input = input }, IdempotencyKey.Of(source, eventId, null), cancellationToken);

    private async Task<StartedInstance> StartAsync(string workflow, StartInstance start, IdempotencyKey key, CancellationToken cancellationToken)
    {
        // A message that is refused would be tried a few times and then be put aside: it waits as an instance instead.
        var (id, first) = await RepeatableStart.RunAsync(client, client.Resolve(workflow), start, key, admission: null, cancellationToken);
        return new StartedInstance(id, workflow, first is null);
    }
}

/// <summary>What a message has started.</summary>
/// <param name="InstanceId">The instance's id.</param>
/// <param name="Workflow">The workflow's name.</param>
/// <param name="IsNew">Whether this delivery started it; otherwise an earlier one did.</param>
public sealed record StartedInstance(string InstanceId, string Workflow, bool IsNew);
