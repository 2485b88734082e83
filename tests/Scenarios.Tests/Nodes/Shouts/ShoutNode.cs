using Polyphony.Core.Definitions;
using Polyphony.Core.Nodes;
using Polyphony.Expressions;

namespace Polyphony.Scenarios.Tests.Nodes.Shouts;

/// <summary>Says something in capitals, several times. A kind of node that the product does not have.</summary>
internal sealed record ShoutNode(ShoutNodeKind Shout) : NodeDefinition
{
    public required Template Text { get; init; }

    public int Times { get; init; } = 1;

    /// <summary>Gets what is shouted in place of an empty text.</summary>
    public ValueTemplate? Otherwise { get; init; }

    internal override NodeKind Kind => Shout;
}
