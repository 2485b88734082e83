namespace Polyphony.Engine.Simulation;

/// <summary>One activity or entity operation under way under a skipping clock: tells whether it runs, or waits on the clock.</summary>
internal sealed class WorkScope
{
    private static readonly AsyncLocal<WorkScope?> Ambient = new();
    private int _timers;

    internal static WorkScope? Current
    {
        get => Ambient.Value;
        set => Ambient.Value = value;
    }

    /// <summary>Gets a value indicating whether only the clock can bring it on.</summary>
    internal bool WaitsOnClock => Volatile.Read(ref _timers) > 0;

    internal void AddTimer(int change) => Interlocked.Add(ref _timers, change);
}
