namespace Polyphony.Core.Definitions.Sources;

/// <summary>A place in a file; line and column begin at 1. Zero means unknown, as for workflows built in code.</summary>
/// <param name="Line">The line.</param>
/// <param name="Column">The column.</param>
public readonly record struct SourceLocation(int Line, int Column);

/// <summary>
/// A node of a workflow file, whatever its syntax: the neutral form in which readers (YAML, JSON, the builder) hand a file to Core,
/// with the place of every key and value.
/// </summary>
/// <param name="Location">Where it begins.</param>
internal abstract record SourceNode(SourceLocation Location);

/// <summary>A single value.</summary>
/// <param name="Location">Where it begins.</param>
/// <param name="Value">A <see cref="string"/>, <see cref="bool"/>, <see cref="long"/>, <see cref="double"/>, or <see langword="null"/>.</param>
/// <param name="Text">The value as written; of a text, what it says once quotes and escapes are resolved.</param>
/// <param name="ContentLocation">Where the first character of a text stands (after a quote, or on the first line of a block).</param>
internal sealed record SourceScalar(SourceLocation Location, object? Value, string Text, SourceLocation ContentLocation) : SourceNode(Location)
{
    /// <summary>
    /// Gets what finds the place of a character of <see cref="Text"/> in the file, for texts that don't stand there as they are (blocks, folded lines,
    /// escapes); <see langword="null"/> if the text stands on one line from <see cref="ContentLocation"/> on.
    /// </summary>
    public Func<int, SourceLocation>? Locator { get; init; }

    /// <summary>Finds a character of <see cref="Text"/> in the file.</summary>
    /// <param name="offset">Its offset in <see cref="Text"/>.</param>
    /// <returns>Its place, or that of the whole if it can't be known.</returns>
    public SourceLocation LocationOf(int offset) =>
        ContentLocation.Line == 0 ? Location
        : Locator is not null ? Locator(offset)
        : ContentLocation with { Column = ContentLocation.Column + offset };
}

/// <summary>A list.</summary>
/// <param name="Location">Where it begins.</param>
/// <param name="Items">Its items.</param>
internal sealed record SourceSequence(SourceLocation Location, IReadOnlyList<SourceNode> Items) : SourceNode(Location);

/// <summary>A map; keys keep their order.</summary>
/// <param name="Location">Where it begins.</param>
/// <param name="Entries">Its entries. A key written twice is in the list twice, for the parser to report.</param>
internal sealed record SourceMapping(SourceLocation Location, IReadOnlyList<SourceEntry> Entries) : SourceNode(Location)
{
    /// <summary>Gets the value of a key; <see langword="null"/> if it is not there.</summary>
    public SourceNode? Find(string key) => Entries.FirstOrDefault(entry => entry.Key == key)?.Value;
}

/// <summary>An entry of a map.</summary>
/// <param name="Key">The key.</param>
/// <param name="KeyLocation">Where the key stands.</param>
/// <param name="Value">The value.</param>
internal sealed record SourceEntry(string Key, SourceLocation KeyLocation, SourceNode Value);
