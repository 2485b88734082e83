using Polyphony.Core.Definitions;
using Polyphony.Expressions;

namespace Polyphony.Core.Nodes.Transforms;

/// <summary>Computes a value.</summary>
public sealed record TransformNode : NodeDefinition
{
    /// <summary>Gets the value.</summary>
    public required ValueTemplate Value { get; init; }

    internal override NodeKind Kind => TransformNodeKind.Instance;
}
