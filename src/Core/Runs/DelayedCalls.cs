namespace Polyphony.Core.Runs;

/// <summary>The calls of a node that wait before they are made, or made again.</summary>
internal sealed class DelayedCalls
{
    // By activation. Several tool calls of one activation may wait at the same time: it shows the last that began, until the first continues.
    private readonly SortedDictionary<string, (CallWait Wait, CallError? Error)> _waits = new(StringComparer.Ordinal);

    /// <summary>Gets a value indicating whether any call waits.</summary>
    public bool Any => _waits.Count > 0;

    /// <summary>Notes a call that waits.</summary>
    /// <param name="activation">The activation's id.</param>
    /// <param name="wait">Until when and why.</param>
    /// <param name="error">Why the attempt before it failed; <see langword="null"/> if there was none.</param>
    public void Begin(string activation, CallWait wait, CallError? error) => _waits[activation] = (wait, error);

    public void End(string activation) => _waits.Remove(activation);

    /// <summary>
    /// Shows that a node's calls wait: until when and why, of several the one that continues first; and that they are made again, if one of them has failed before. Which
    /// of them began to wait last makes no difference.
    /// </summary>
    public NodeProgress Show(NodeProgress progress)
    {
        if (!Any)
        {
            return progress with { WaitingUntil = null, WaitReason = null, WaitMessage = null };
        }

        var first = _waits.Values.MinBy(static call => call.Wait.Until).Wait;
        var isRetrying = _waits.Values.Any(static call => call.Error is not null);
        return progress with
        {
            Status = isRetrying ? "retrying" : "waiting",
            WaitingUntil = first.Until,
            WaitReason = first.Reason,
            WaitMessage = first.Message,
        };
    }
}
