namespace Polyphony.Core.Runs;

/// <summary>
/// Runs activations within another: the calls of a C# function, the turns of a team. Each takes its own slot, shows at the outer activation's node, and has an outcome.
/// </summary>
/// <param name="context">What activations share.</param>
/// <param name="outer">The activation around them.</param>
internal sealed class InnerCalls(ActivationContext context, Activation outer)
{
    private readonly ActivationRunner _runner = new(context with { Observer = new InnerObserver(context.Observer, outer) });
    private readonly SortedDictionary<int, StateChange> _written = [];
    private int _count;

    /// <summary>Gets what the calls that have ended have written to the state, in the order in which they were begun.</summary>
    public StateChange Written => _written.Values.Aggregate(StateChange.None, (sum, change) => sum.Then(context.Plan.Definition, change));

    /// <summary>Keeps what the code around the calls writes itself: after the calls that it has begun so far.</summary>
    public void Write(StateChange change) => _written[_count++] = change;

    /// <summary>Runs an activation when there is a slot for it.</summary>
    /// <param name="inner">The activation; its order is that of the calls.</param>
    public async Task<ActivationEnd> RunAsync(Activation inner)
    {
        var number = _count++;
        var end = await RunInSlotAsync(inner with { Order = $"{outer.Order}.{number:D6}", HoldsLock = inner.HoldsLock || outer.HoldsLock });
        if (end.Written is { IsEmpty: false } written)
        {
            _written[number] = written;
        }

        if (end.Outcome is { } outcome)
        {
            context.Outcomes?.Add(outcome);
            context.Observer.OnInnerOutcome(outer, outcome);
        }

        return end;
    }

    private async Task<ActivationEnd> RunInSlotAsync(Activation inner)
    {
        if (context.Slots is not { } gate || !inner.Node.Kind.TakesSlot)
        {
            return await _runner.RunAsync(inner);
        }

        var slot = new SlotHold(gate, await gate.AcquireAsync());
        try
        {
            var end = context.Stop.IsRequested ? new ActivationEnd(null) : await _runner.RunAsync(inner with { Slot = slot });
            if (end.Abandoned is { } abandoned)
            {
                // The call still takes this slot.
                await abandoned;
            }

            return end;
        }
        finally
        {
            slot.Release();
        }
    }
}
