using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Polyphony.Engine.Runtime;

namespace Polyphony.Engine;

/// <summary>How an engine runs. Read once, when it starts.</summary>
public sealed record EngineOptions
{
    /// <summary>The default of <see cref="MaxConcurrentActivities"/>.</summary>
    public const int DefaultMaxConcurrentActivities = 1000;

    /// <summary>The default of <see cref="MaxLiveInstances"/>.</summary>
    public const int DefaultMaxLiveInstances = 20_000;

    /// <summary>The default of <see cref="StopTimeout"/>.</summary>
    public static readonly TimeSpan DefaultStopTimeout = TimeSpan.FromSeconds(5);

    /// <summary>Gets the data file, made if there is none; its folder must exist. <see langword="null"/> (the default) keeps everything in memory.</summary>
    public string? Path { get; init; }

    /// <summary>Gets where all time comes from. Default: the system's clock.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Gets where logs go. Default: nowhere.</summary>
    public ILoggerFactory LoggerFactory { get; init; } = NullLoggerFactory.Instance;

    /// <summary>Gets what a commit waits for. Default: the disk.</summary>
    public Durability Durability { get; init; } = Durability.Full;

    /// <summary>Gets how many activities may run at a time, from 1. Default 1,000: an activity that waits holds no thread.</summary>
    public int MaxConcurrentActivities { get; init; } = DefaultMaxConcurrentActivities;

    /// <summary>
    /// Gets how many waiting instances keep their code in memory, from 0. Default 20,000. Beyond it those that have rested longest are
    /// dropped from memory and replayed when something arrives for them.
    /// </summary>
    public int MaxLiveInstances { get; init; } = DefaultMaxLiveInstances;

    /// <summary>Gets how long a stop waits for activities under way before it gives them up; they run again at the next start. Zero or more; default 5 s.</summary>
    public TimeSpan StopTimeout { get; init; } = DefaultStopTimeout;

    /// <summary>
    /// Gets a value indicating whether instances stand still: they can be read, and take no step until the next start. For looking at a
    /// data file that no host has open. Default: they continue.
    /// </summary>
    public bool Paused { get; init; }

    /// <summary>Gets a note about the owner, such as the URL under which it can be reached; shown to other processes. See <see cref="EngineOwner"/>.</summary>
    public string? OwnerNote { get; init; }

    /// <summary>Gets how ids are made for instances started without one. Default: random.</summary>
    internal Func<string> NewId { get; init; } = static () => Guid.NewGuid().ToString("N");

    internal ICommitHook? CommitHook { get; init; }

    internal IWorkScheduler? Scheduler { get; init; }

    /// <summary>Makes options for an engine that keeps everything in memory.</summary>
    /// <param name="timeProvider">The clock; the system's by default.</param>
    /// <returns>The options.</returns>
    public static EngineOptions InMemory(TimeProvider? timeProvider = null) => new() { TimeProvider = timeProvider ?? TimeProvider.System };

    /// <summary>Checks all values.</summary>
    /// <exception cref="PolyphonyException">Code <c>invalid_options</c>; the message lists every problem.</exception>
    internal void Validate()
    {
        var problems = new List<string>();
        if (Path is not null && string.IsNullOrWhiteSpace(Path))
        {
            problems.Add("Path is empty; give a file, or null for an engine in memory");
        }
        else if (Path is not null && Directory.Exists(Path))
        {
            problems.Add($"Path \"{Path}\" is a folder; give a file");
        }
        else if (Path is not null && System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(Path)) is { } folder && !Directory.Exists(folder))
        {
            problems.Add($"the folder \"{folder}\" of Path does not exist; create it");
        }

        if (MaxConcurrentActivities < 1)
        {
            problems.Add($"MaxConcurrentActivities is {MaxConcurrentActivities}; expected 1 or more");
        }

        if (MaxLiveInstances < 0)
        {
            problems.Add($"MaxLiveInstances is {MaxLiveInstances}; expected 0 or more");
        }

        if (StopTimeout < TimeSpan.Zero)
        {
            problems.Add($"StopTimeout is {StopTimeout}; expected zero or more");
        }

        if (!Enum.IsDefined(Durability))
        {
            problems.Add($"Durability is {Durability}; expected {nameof(Durability.Full)} or {nameof(Durability.Normal)}");
        }

        if (problems.Count > 0)
        {
            throw new PolyphonyException("invalid_options", $"The engine cannot start with these options: {string.Join("; ", problems)}.");
        }
    }
}
