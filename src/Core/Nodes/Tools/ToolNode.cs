using Polyphony.Core.Definitions;
using Polyphony.Expressions;

namespace Polyphony.Core.Nodes.Tools;

/// <summary>Calls a tool.</summary>
public sealed record ToolNode : NodeDefinition
{
    /// <summary>Gets the tool's name.</summary>
    public required string Tool { get; init; }

    /// <summary>Gets the arguments, an object.</summary>
    public required ValueTemplate Arguments { get; init; }

    /// <summary>Gets what is said of the call.</summary>
    public ToolRules? Rules { get; init; }

    internal override NodeKind Kind => ToolNodeKind.Instance;
}
