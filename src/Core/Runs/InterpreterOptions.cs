namespace Polyphony.Core.Runs;

/// <summary>How the interpreter divides its work. The defaults suit every engine; tests make them small to reach every path.</summary>
public sealed record InterpreterOptions
{
    /// <summary>
    /// Gets the options for an engine that keeps instances in memory between their steps and replays one only after it was dropped from there. There the
    /// square of <see cref="OperationsPerGeneration"/> does not count, so generations are longer (500), and children of a <c>forEach</c> larger (about 32 items).
    /// </summary>
    public static InterpreterOptions InMemory { get; } = new() { OperationsPerGeneration = 500, MinItemsPerChild = 32, LooksPerInstance = 1_000 };

    /// <summary>
    /// Gets the options for Durable Task with extended sessions: an instance stays in memory between steps that follow one another soon, and is replayed from its stored history when it was
    /// away. Every child of a <c>forEach</c> costs messages and steps of its own, and takes answers in one by one where one that has many of the items takes them in together. So children have
    /// at least 250 items and at most 500; up to 250 items need none.
    /// </summary>
    public static InterpreterOptions ExtendedSessions { get; } = new() { OperationsPerGeneration = 250, MaxDirectItems = 250, MinItemsPerChild = 250, MaxItemsPerChild = 500 };

    /// <summary>
    /// Gets how many durable operations one generation takes before the instance continues as new, at the next moment when
    /// nothing is under way that can't be carried over. Default 100: where every step is a replay, its cost grows with the square of it.
    /// </summary>
    public int OperationsPerGeneration { get; init; } = 100;

    /// <summary>
    /// Gets how large the input of a generation may be, in bytes of UTF-8, with the state of the one before it. A larger state is packed, and put into the payload
    /// store if it is too large for this even then. Default, and at most, <see cref="Durable.DurableLimits.MaxPayloadBytes"/>.
    /// </summary>
    public int MaxGenerationBytes { get; init; } = Durable.DurableLimits.MaxPayloadBytes;

    /// <summary>Gets up to how many items a <c>forEach</c> runs in its own orchestration; more are divided among children. Default 64.</summary>
    public int MaxDirectItems { get; init; } = 64;

    /// <summary>
    /// Gets the least items of a child, as long as there are as many and all slots stay busy; at most <see cref="MaxItemsPerChild"/> counts. Default 8.
    /// </summary>
    public int MinItemsPerChild { get; init; } = 8;

    /// <summary>Gets the most items of one child. Default 50.</summary>
    public int MaxItemsPerChild { get; init; } = 50;

    /// <summary>
    /// Gets how often the instance of a schedule looks before the next one takes its place and it is removed with its history. Default: without end, for an engine that keeps the history of one generation only.
    /// </summary>
    public int LooksPerInstance { get; init; } = int.MaxValue;
}
