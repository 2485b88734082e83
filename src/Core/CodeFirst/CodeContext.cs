using Microsoft.Extensions.Logging;
using Polyphony.Core.Durable;

namespace Polyphony.Core.CodeFirst;

/// <summary>The durable context that a C# function sees: all but what belongs to the run around it.</summary>
internal sealed class CodeContext(OrchestrationContext inner) : OrchestrationContext
{
    private readonly CancellationTokenSource _abandoned = new();

    public override string Name => inner.Name;

    public override string InstanceId => inner.InstanceId;

    public override ParentInstance? Parent => inner.Parent;

    public override DateTimeOffset CurrentUtcDateTime => inner.CurrentUtcDateTime;

    public override bool IsReplaying => inner.IsReplaying;

    /// <summary>Ends timers and waits for events, and refuses everything else from now on: the run does not wait for this code any more.</summary>
    public void Abandon() => _abandoned.Cancel();

    /// <summary>Ends a function that continues after its run has stopped.</summary>
    public void ThrowIfAbandoned()
    {
        if (_abandoned.IsCancellationRequested)
        {
            throw new OperationCanceledException("The run has stopped.");
        }
    }

    public override Guid NewGuid() => Inner.NewGuid();

    public override Task<string?> CallActivityAsync(string name, string? input, CancellationToken cancellationToken = default) => Inner.CallActivityAsync(name, input, cancellationToken);

    public override Task<string?> CallSubOrchestrationAsync(string name, string? instanceId, string? input) => Inner.CallSubOrchestrationAsync(name, instanceId, input);

    public override Task CreateTimerAsync(DateTimeOffset fireAt, CancellationToken cancellationToken = default) =>
        cancellationToken.CanBeCanceled ? TimerAsync(fireAt, cancellationToken) : Inner.CreateTimerAsync(fireAt, _abandoned.Token);

    public override Task<string?> WaitForExternalEventAsync(string name, CancellationToken cancellationToken = default) =>
        cancellationToken.CanBeCanceled ? EventAsync(name, cancellationToken) : Inner.WaitForExternalEventAsync(name, _abandoned.Token);

    public override Task<string?> CallEntityAsync(EntityId entity, string operation, string? input) => Inner.CallEntityAsync(entity, operation, input);

    public override void SignalEntity(EntityId entity, string operation, string? input) => Inner.SignalEntity(entity, operation, input);

    public override void SendEvent(string instanceId, string name, string? payload) => Inner.SendEvent(instanceId, name, payload);

    public override void SetCustomStatus(string? status) => throw NotHere("set the custom status", "It shows the progress of the run.");

    public override void ContinueAsNew(string? input, bool preserveUnprocessedEvents = true) =>
        throw NotHere("continue as new", "Divide endless work among child workflows, or start another instance at the end.");

    public override ILogger CreateReplaySafeLogger(string category) => inner.CreateReplaySafeLogger(category);

    private OrchestrationContext Inner
    {
        get
        {
            ThrowIfAbandoned();
            return inner;
        }
    }

    private async Task TimerAsync(DateTimeOffset fireAt, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _abandoned.Token);
        await Inner.CreateTimerAsync(fireAt, either.Token);
    }

    private async Task<string?> EventAsync(string name, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _abandoned.Token);
        return await Inner.WaitForExternalEventAsync(name, either.Token);
    }

    private static PolyphonyException NotHere(string what, string instead) => new("not_in_code_workflow", $"A workflow in C# can't {what}. {instead}");
}
