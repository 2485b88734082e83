using Polyphony.Core.Nodes;

namespace Polyphony.Core.Definitions.Parsing;

/// <summary>Stands in for a node with problems, so that the others can be checked. Never in a graph that is used.</summary>
internal sealed record UnreadNode : NodeDefinition
{
    internal override NodeKind Kind => throw new InvalidOperationException($"Node \"{Name}\" has problems, and is of no kind.");
}
