namespace Polyphony.Core.Runs;

/// <summary>Runs the activations of a run, as many at a time as <c>maxConcurrency</c> allows.</summary>
internal sealed class ActivationSlots(RunContext run, IRunObserver observer, OutcomeLog outcomes, RunSignal signal)
{
    private readonly List<Task> _abandoned = [];

    /// <summary>Gets what runs single activations.</summary>
    public ActivationRunner Runner { get; private set; } = NewRunner(run, observer, outcomes);

    /// <summary>Gets a value indicating whether calls continue whose activations have timed out.</summary>
    public bool IsAbandoned => !_abandoned.TrueForAll(task => task.IsCompleted);

    /// <summary>Starts over after a rewind.</summary>
    public void Renew() => Runner = NewRunner(run, observer, outcomes);

    /// <summary>Runs an activation when there is a slot for it. Waits, people and computations take none: they call nobody.</summary>
    public async Task<ActivationEnd> RunAsync(Activation activation)
    {
        if (!activation.Node.Kind.TakesSlot)
        {
            return await Runner.RunAsync(activation);
        }

        var slots = await run.Slots.AcquireAsync();
        if (run.Stop.IsRequested)
        {
            run.Slots.Release(slots);
            return new ActivationEnd(null);
        }

        var slot = new SlotHold(run.Slots, slots);
        var end = await Runner.RunAsync(activation with { Slot = slot });
        if (end.Abandoned is { IsCompleted: false } abandoned)
        {
            _abandoned.Add(ReleaseAfterAsync(abandoned, slot));
        }
        else
        {
            slot.Release();
        }

        return end;
    }

    private async Task ReleaseAfterAsync(Task work, SlotHold slot)
    {
        try
        {
            await work;
        }
        finally
        {
            slot.Release();
            signal.Raise();
        }
    }

    private static ActivationRunner NewRunner(RunContext run, IRunObserver observer, OutcomeLog outcomes) =>
        new(new ActivationContext(run.Calls, run.Plan, run.Budget, run.Stop, observer, run.SubWorkflows, run.Rewinds, run.Publications, run.Slots, outcomes, run.Locks, run.Code));
}
