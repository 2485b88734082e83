using System.Text.Json;
using Polyphony.Expressions;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Core.Definitions;

/// <summary>A named value of the state: what nodes write together, and how their writes are put together.</summary>
public sealed record StateDefinition
{
    /// <summary>The maximum number of values: 50.</summary>
    public const int MaxValues = 50;

    /// <summary>Gets the name: a letter, then letters, digits and <c>_</c>, at most 63 in all.</summary>
    public required string Name { get; init; }

    /// <summary>Gets how writes are put together.</summary>
    public required StateReducer Reducer { get; init; }

    /// <summary>Gets what each write must fit, with <see cref="StateReducer.Append"/> each element; <see langword="null"/> accepts anything that the reducer does.</summary>
    public JsonSchema? Schema { get; init; }

    /// <summary>Gets the value before anything is written; <see langword="null"/>: that of the reducer, <c>[]</c>, <c>{}</c>, <c>0</c> or null.</summary>
    public JsonElement? Initial { get; init; }
}

/// <summary>How the writes of a value are put together, in the order of the graph.</summary>
public enum StateReducer
{
    /// <summary>An array: the elements of each write follow those before.</summary>
    Append,

    /// <summary>An object: the members of a write take the place of those of the same name.</summary>
    Merge,

    /// <summary>The sum of the numbers.</summary>
    Sum,

    /// <summary>The smallest of the numbers; null before the first.</summary>
    Min,

    /// <summary>The largest of the numbers; null before the first.</summary>
    Max,

    /// <summary>The last write. No two nodes write it side by side.</summary>
    Replace,
}

/// <summary>What a node writes to a value of the state once it has completed.</summary>
/// <param name="Name">The value's name.</param>
/// <param name="Value">What is written, over the node's <c>output</c> and what its other expressions read.</param>
public sealed record StateWrite(string Name, ValueTemplate Value);
