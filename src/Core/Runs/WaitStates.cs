namespace Polyphony.Core.Runs;

/// <summary>Where waits stand for people, events and times, so that they continue in the next generation as they were.</summary>
internal sealed class WaitStates
{
    private readonly Dictionary<string, WaitState> _open = new(StringComparer.Ordinal);
    private readonly Dictionary<string, WaitState> _carried = new(StringComparer.Ordinal);

    /// <summary>Gets the waits that are open, by activation.</summary>
    public IReadOnlyDictionary<string, WaitState> Open => _open;

    public void Begin(string activation, WaitState state) => _open[activation] = state;

    public void End(string activation) => _open.Remove(activation);

    /// <summary>Keeps a wait that an earlier generation left, until its activation begins again.</summary>
    public void Carry(string activation, WaitState state) => _carried[activation] = state;

    /// <summary>Takes the wait that an earlier generation left.</summary>
    public WaitState? Take(string activation) => _carried.Remove(activation, out var state) ? state : null;
}
