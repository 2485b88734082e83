using Polyphony.Core.Definitions;
using Polyphony.Expressions;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Core.Nodes.Waits;

/// <summary>Waits for a duration, until a time, or for an event. Exactly one is set.</summary>
public sealed record WaitNode : NodeDefinition
{
    /// <summary>Gets the duration.</summary>
    public TimeSpan? For { get; init; }

    /// <summary>Gets the time, an RFC 3339 string.</summary>
    public Template? Until { get; init; }

    /// <summary>Gets the event's name; its payload becomes the output.</summary>
    public string? Event { get; init; }

    /// <summary>Gets the schema of the event's payload.</summary>
    public JsonSchema? Schema { get; init; }

    internal override NodeKind Kind => WaitNodeKind.Instance;
}
