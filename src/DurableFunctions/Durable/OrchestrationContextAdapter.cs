using Microsoft.DurableTask;
using Microsoft.DurableTask.Entities;
using Microsoft.Extensions.Logging;
using Polyphony.Core.Durable;
using CoreTaskFailedException = Polyphony.Core.Durable.TaskFailedException;
using DurableTaskFailedException = Microsoft.DurableTask.TaskFailedException;

namespace Polyphony.DurableFunctions.Durable;

/// <summary>Core's <see cref="OrchestrationContext"/> over Durable Task's <see cref="TaskOrchestrationContext"/>.</summary>
/// <remarks>Deterministic: it adds no step of its own but the events that it sends back to its instance when a generation ends.</remarks>
internal sealed class OrchestrationContextAdapter : OrchestrationContext
{
    private const int MostFinished = 64;

    private readonly TaskOrchestrationContext _context;
    private readonly EventInboxes _events;
    private readonly CancellableCalls _calls;
    private readonly List<Task> _open = [];
    private int _pruneAt = MostFinished;
    private Action? _next;

    /// <summary>Wraps a context.</summary>
    /// <param name="context">Durable Task's context of the running orchestrator function.</param>
    public OrchestrationContextAdapter(TaskOrchestrationContext context)
    {
        _context = context;
        _events = new EventInboxes(context);
        _calls = new CancellableCalls(context);
    }

    /// <inheritdoc/>
    public override string Name => _context.Name.Name;

    /// <inheritdoc/>
    public override string InstanceId => _context.InstanceId;

    /// <inheritdoc/>
    public override ParentInstance? Parent => _context.Parent is { } parent ? new ParentInstance(parent.Name.Name, parent.InstanceId) : null;

    /// <inheritdoc/>
    public override DateTimeOffset CurrentUtcDateTime => new(DateTime.SpecifyKind(_context.CurrentUtcDateTime, DateTimeKind.Utc));

    /// <inheritdoc/>
    public override bool IsReplaying => _context.IsReplaying;

    /// <summary>Runs an orchestrator function of Core.</summary>
    /// <param name="context">Durable Task's context.</param>
    /// <param name="function">The function.</param>
    /// <param name="input">The input.</param>
    /// <returns>The output.</returns>
    /// <exception cref="CodedFailureException">The function threw an exception with a code.</exception>
    public static async Task<RawJson?> RunAsync(TaskOrchestrationContext context, OrchestrationFunction function, RawJson? input)
    {
        var adapter = new OrchestrationContextAdapter(context);
        try
        {
            var output = await function(adapter, await DelayedStart.WaitAsync(adapter, input?.Text));
            DurableLimits.CheckPayload(output, $"output of orchestration \"{context.Name.Name}\"");
            return RawJson.Of(output);
        }
        catch (PolyphonyException e)
        {
            throw CodedFailureException.Of(e);
        }
        finally
        {
            await adapter.EndAsync();
        }
    }

    /// <inheritdoc/>
    public override Guid NewGuid() => _context.NewGuid();

    /// <inheritdoc/>
    public override Task<string?> CallActivityAsync(string name, string? input, CancellationToken cancellationToken = default)
    {
        DurableLimits.CheckPayload(input, $"input of activity \"{name}\"");
        if (cancellationToken.IsCancellationRequested)
        {
            return Task.FromCanceled<string?>(cancellationToken);
        }

        return cancellationToken.CanBeCanceled ? _calls.CallAsync(input, CallAsync, cancellationToken) : CallAsync(input);

        Task<string?> CallAsync(string? given) => Opened(ReadAsync(name, _context.CallActivityAsync<RawJson?>(name, RawJson.Of(given))));
    }

    /// <inheritdoc/>
    public override Task<string?> CallSubOrchestrationAsync(string name, string? instanceId, string? input)
    {
        DurableLimits.CheckPayload(input, $"input of orchestration \"{name}\"");

        // A child tells whose it is by a tag: clients of Durable Task are not told otherwise.
        var options = new SubOrchestrationOptions(new TaskOptions(retry: null, tags: new Dictionary<string, string>(StringComparer.Ordinal) { [ParentTag] = InstanceId }), instanceId ?? ChildId());
        return Opened(ReadAsync(name, _context.CallSubOrchestratorAsync<RawJson?>(name, RawJson.Of(input), options)));
    }

    /// <inheritdoc/>
    public override Task CreateTimerAsync(DateTimeOffset fireAt, CancellationToken cancellationToken = default) =>
        _context.CreateTimer(fireAt.UtcDateTime, cancellationToken);

    /// <inheritdoc/>
    public override Task<string?> WaitForExternalEventAsync(string name, CancellationToken cancellationToken = default) => _events.WaitAsync(name, cancellationToken);

    /// <inheritdoc/>
    public override async Task<string?> CallEntityAsync(EntityId entity, string operation, string? input)
    {
        DurableLimits.CheckPayload(input, $"input of operation \"{operation}\" of {entity}");
        try
        {
            return (await _context.Entities.CallEntityAsync<RawJson?>(new EntityInstanceId(entity.Name, entity.Key), operation, RawJson.Of(input)))?.Text;
        }
        catch (EntityOperationFailedException e)
        {
            throw new CoreTaskFailedException(operation, CodedFailureException.Read(e.FailureDetails));
        }
    }

    /// <inheritdoc/>
    public override void SignalEntity(EntityId entity, string operation, string? input)
    {
        DurableLimits.CheckPayload(input, $"input of operation \"{operation}\" of {entity}");

        // Nothing to wait for: the signal leaves with the current step.
        _ = _context.Entities.SignalEntityAsync(new EntityInstanceId(entity.Name, entity.Key), operation, RawJson.Of(input));
    }

    /// <inheritdoc/>
    public override void SendEvent(string instanceId, string name, string? payload)
    {
        DurableLimits.CheckPayload(payload, $"payload of event \"{name}\"");
        _context.SendEvent(instanceId, name, RawJson.Of(payload)!);
    }

    /// <inheritdoc/>
    public override void SetCustomStatus(string? status)
    {
        DurableLimits.CheckPayload(status, "custom status", DurableLimits.MaxCustomStatusBytes);
        _calls.SetStatus(status);
    }

    /// <inheritdoc/>
    public override void ContinueAsNew(string? input, bool preserveUnprocessedEvents = true)
    {
        DurableLimits.CheckPayload(input, "input of the next generation");
        _next = () =>
        {
            _events.Close(preserveUnprocessedEvents);
            _context.ContinueAsNew(RawJson.Of(input), preserveUnprocessedEvents);
        };
    }

    /// <inheritdoc/>
    public override ILogger CreateReplaySafeLogger(string category) => _context.CreateReplaySafeLogger(category);

    /// <summary>The tag of a child orchestration that names its parent.</summary>
    internal const string ParentTag = "polyphony-parent";

    /// <summary>A child that is terminated ends without details of a failure.</summary>
    internal static FailureDetails Terminated(string name) => new("terminated", $"Orchestration \"{name}\" was terminated.");

    /// <summary>
    /// Waits for activities and children that nobody waits for any more. Durable Task would do so itself, but a worker gives up the extended session of a function that has returned, and the host
    /// then finds out with every message that it needs the history: seconds for each.
    /// </summary>
    private async Task EndAsync()
    {
        while (_open.Find(task => !task.IsCompleted) is { } open)
        {
            try
            {
                await open;
            }
            catch (Exception)
            {
                // Whoever waited for it was told.
            }
        }

        _calls.End();
        _next?.Invoke();
    }

    private Task<string?> Opened(Task<string?> call)
    {
        if (_open.Count >= _pruneAt)
        {
            _open.RemoveAll(task => task.IsCompleted);
            _pruneAt = 2 * Math.Max(MostFinished, _open.Count);
        }

        _open.Add(call);
        return call;
    }

    // Begins with this instance's id, by which its children are found when it is terminated or purged.
    private string ChildId()
    {
        var id = NewGuid().ToString("N");
        return $"{InstanceId.AsSpan(0, Math.Min(InstanceId.Length, DurableLimits.MaxInstanceIdLength - id.Length - 1))}:{id}";
    }

    private static async Task<string?> ReadAsync(string name, Task<RawJson?> call)
    {
        try
        {
            return (await call)?.Text;
        }
        catch (DurableTaskFailedException e)
        {
            throw new CoreTaskFailedException(name, e.FailureDetails is null ? Terminated(name) : CodedFailureException.Read(e.FailureDetails));
        }
    }
}
