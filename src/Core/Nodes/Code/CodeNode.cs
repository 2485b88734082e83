using Polyphony.Core.Definitions;
using Polyphony.Expressions;

namespace Polyphony.Core.Nodes.Code;

/// <summary>Runs a C# function of the program: the only node of a workflow in C#. Files can't have such nodes.</summary>
internal sealed record CodeNode : NodeDefinition
{
    /// <summary>Gets the name under which the function is registered: the workflow's.</summary>
    public required string Function { get; init; }

    /// <summary>Gets the workflows that the function may run; they are pinned with it.</summary>
    public IReadOnlyList<string> Workflows { get; init; } = [];

    /// <summary>Gets the input of the function: the workflow's input.</summary>
    public required ValueTemplate Input { get; init; }

    internal override NodeKind Kind => CodeNodeKind.Instance;
}
