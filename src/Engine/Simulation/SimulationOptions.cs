namespace Polyphony.Engine.Simulation;

/// <summary>Where in a commit a crash happens.</summary>
internal enum CrashPoint
{
    /// <summary>Before the commit: the transaction is lost.</summary>
    BeforeCommit,

    /// <summary>After the commit, before anybody hears of it.</summary>
    AfterCommit,
}

/// <summary>How a simulation runs.</summary>
internal sealed record SimulationOptions
{
    /// <summary>Gets the seed: the same one gives the same run, byte for byte.</summary>
    public int Seed { get; init; }

    /// <summary>Gets the time at which it begins. Default: <see cref="SkippingClock.DefaultStart"/>.</summary>
    public DateTimeOffset Start { get; init; } = SkippingClock.DefaultStart;

    /// <summary>Gets the commit, from 1 over the whole run, at which the engine crashes; <see langword="null"/> for none.</summary>
    public int? CrashAtCommit { get; init; }

    /// <summary>Gets where in that commit it crashes.</summary>
    public CrashPoint CrashPoint { get; init; }

    /// <summary>Gets the chance of a crash before or after each commit, 0 to 1. Default 0.</summary>
    public double CrashProbability { get; init; }

    /// <summary>Gets how many crashes by chance there may be. Default 10.</summary>
    public int MaxCrashes { get; init; } = 10;

    /// <summary>Gets how many waiting instances keep their code in memory; 0 replays every step. Default: all.</summary>
    public int MaxLiveInstances { get; init; } = int.MaxValue;
}

/// <summary>What came of a simulation.</summary>
/// <param name="Commits">How many commits were made or tried.</param>
/// <param name="Crashes">How many crashes happened.</param>
/// <param name="Digest">Lower-case hex SHA-256 of everything that the store held at the end: equal for equal runs.</param>
internal sealed record SimulationResult(int Commits, int Crashes, string Digest);
