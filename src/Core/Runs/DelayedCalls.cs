namespace Polyphony.Core.Runs;

/// <summary>The calls of a node that wait before they are made, or made again.</summary>
internal sealed class DelayedCalls
{
    // By activation. Several tool calls of one activation may wait at the same time: it shows the last that began, until the first continues.
    private readonly SortedDictionary<string, CallWait> _waits = new(StringComparer.Ordinal);

    /// <summary>Gets a value indicating whether any call waits.</summary>
    public bool Any => _waits.Count > 0;

    public void Begin(Activation activation, CallWait wait) => _waits[activation.Id] = wait;

    public void End(Activation activation) => _waits.Remove(activation.Id);

    /// <summary>Shows until when a node's calls wait: of several, the one that continues first.</summary>
    public NodeProgress Show(NodeProgress progress)
    {
        var first = _waits.Values.MinBy(wait => wait.Until);
        return progress with { WaitingUntil = first?.Until, WaitReason = first?.Reason, WaitMessage = first?.Message };
    }
}
