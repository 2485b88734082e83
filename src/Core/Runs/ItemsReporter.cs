using Polyphony.Core.Durable;

namespace Polyphony.Core.Runs;

/// <summary>
/// What clients see of a part of a <c>forEach</c> while it runs: the custom status of the child that runs it, with one node. Whoever reads the status of the parent
/// reads those of its parts as well (<see cref="Client.PartProgress"/>), so that no message goes to the parent for each item.
/// </summary>
internal sealed class ItemsReporter(OrchestrationContext durable, ItemsInput run, RunBudget budget) : IRunObserver
{
    // They fit beside one node in any script.
    private const int MostWaits = 8;

    private static readonly int[] OnlyNode = [0];

    private readonly ProgressWriter _progress =
        new([new NodeProgress { Node = run.Scope.Node, Status = "running", Round = run.Scope.Round, Items = run.Count, ItemsDone = 0, ItemsFailed = 0 }]);

    private readonly DelayedCalls _delays = new();
    private readonly SortedDictionary<string, PendingWait> _waits = new(StringComparer.Ordinal);

    public void CountItem(Outcome outcome)
    {
        var hasFailed = outcome.Status != NodeResult.Completed;
        var progress = _progress[0].Count(outcome.Attempts, outcome.Usage, outcome.Provider, hasFailed ? outcome.Error?.Code : null);
        Publish(progress with { ItemsDone = progress.ItemsDone + 1, ItemsFailed = progress.ItemsFailed + (hasFailed ? 1 : 0) });
    }

    void IRunObserver.OnAttempt(Activation activation)
    {
        if (_progress[0].Status != "running")
        {
            Publish(_progress[0] with { Status = "running" });
        }
    }

    void IRunObserver.OnDelayed(Activation activation, CallWait wait, CallError? error)
    {
        _delays.Begin(activation.Id, wait, error);
        Publish(_delays.Show(_progress[0] with { Error = error?.Code ?? _progress[0].Error }));
    }

    void IRunObserver.OnDelayEnded(Activation activation)
    {
        _delays.End(activation.Id);
        Publish(_delays.Show(_progress[0]));
    }

    void IRunObserver.OnWaiting(Activation activation, PendingWait wait, WaitState state)
    {
        // A tool call that may have happened. Items that wait for somebody or something outside by their kind, or for approval, are not divided among children.
        _waits[activation.Id] = wait;
        Publish(_progress[0]);
    }

    void IRunObserver.OnWaited(Activation activation)
    {
        _waits.Remove(activation.Id);
        Publish(_progress[0]);
    }

    void IRunObserver.OnAsking(Activation activation)
    {
        // The other items go on.
    }

    void IRunObserver.OnAsked(Activation activation)
    {
        // The other items have gone on.
    }

    void IRunObserver.OnInnerOutcome(Activation activation, Outcome outcome)
    {
        // C# functions are not divided among children.
    }

    private void Publish(NodeProgress node)
    {
        _progress[0] = node;
        var progress = new WorkflowProgress
        {
            Total = 1,
            Usage = budget.Used,
            WaitingFor = [.. _waits.Values.Take(MostWaits)],
            MoreWaiting = Math.Max(0, _waits.Count - MostWaits),
        };
        durable.SetCustomStatus(_progress.Write(progress, OnlyNode, DurableLimits.MaxCustomStatusBytes) ?? ProgressWriter.WriteShort(progress, DurableLimits.MaxCustomStatusBytes));
    }
}
