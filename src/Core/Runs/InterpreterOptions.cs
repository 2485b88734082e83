namespace Polyphony.Core.Runs;

/// <summary>How the interpreter divides its work. The defaults suit every engine; tests lower them to reach every path.</summary>
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
    /// Gets the number of durable operations after which an instance continues as new, at the next moment when
    /// nothing is under way that can't be carried over. Default 100: where every step is a replay, its cost grows with the square of it.
    /// </summary>
    public int OperationsPerGeneration { get; init; } = 100;

    /// <summary>
    /// Gets the maximum size of the input of a generation, in bytes of UTF-8, including the saved state. A larger state is packed, and moved to the payload
    /// store if it is still too large. Default, and at most, <see cref="Durable.DurableLimits.MaxPayloadBytes"/>.
    /// </summary>
    public int MaxGenerationBytes { get; init; } = Durable.DurableLimits.MaxPayloadBytes;

    /// <summary>Gets the maximum number of items that a <c>forEach</c> runs in its own orchestration; more are divided among children. Default 64.</summary>
    public int MaxDirectItems { get; init; } = 64;

    /// <summary>
    /// Gets the minimum number of items per child, if there are that many and all slots stay busy; values above <see cref="MaxItemsPerChild"/> count as that. Default 8.
    /// </summary>
    public int MinItemsPerChild { get; init; } = 8;

    /// <summary>Gets the maximum number of items per child. Default 50.</summary>
    public int MaxItemsPerChild { get; init; } = 50;

    /// <summary>
    /// Gets how often the instance of a schedule looks before the next one takes its place and it is removed with its history. Default: without end, for an engine that keeps the history of one generation only.
    /// </summary>
    public int LooksPerInstance { get; init; } = int.MaxValue;
}
