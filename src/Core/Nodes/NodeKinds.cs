using System.Collections.Immutable;
using Polyphony.Core.Nodes.Agents;
using Polyphony.Core.Nodes.Code;
using Polyphony.Core.Nodes.Humans;
using Polyphony.Core.Nodes.Publishing;
using Polyphony.Core.Nodes.Routers;
using Polyphony.Core.Nodes.SubWorkflows;
using Polyphony.Core.Nodes.Teams;
using Polyphony.Core.Nodes.Tools;
using Polyphony.Core.Nodes.Transforms;
using Polyphony.Core.Nodes.Waits;

namespace Polyphony.Core.Nodes;

/// <summary>The kinds of nodes that a parser knows. Immutable.</summary>
/// <param name="kinds">The kinds, in the order in which messages name them.</param>
internal sealed class NodeKinds(params ImmutableArray<NodeKind> kinds)
{
    /// <summary>Gets the kinds of the product.</summary>
    public static NodeKinds All { get; } = new(
        AgentNodeKind.Instance,
        RouterNodeKind.Instance,
        TeamNodeKind.Instance,
        ToolNodeKind.Instance,
        HumanNodeKind.Instance,
        WorkflowNodeKind.Instance,
        WaitNodeKind.Instance,
        TransformNodeKind.Instance,
        PublishNodeKind.Instance);

    /// <summary>Gets the kinds of the product, and that of workflows in C#, which no file can have.</summary>
    public static NodeKinds WithCode { get; } = All.With(CodeNodeKind.Instance);

    /// <summary>Gets the kinds.</summary>
    public ImmutableArray<NodeKind> List => kinds;

    /// <summary>Gets the names for a sentence: <c>agent, tool or wait</c>.</summary>
    public string Names { get; } = kinds.Length == 1 ? kinds[0].Name : $"{string.Join(", ", kinds[..^1].Select(kind => kind.Name))} or {kinds[^1].Name}";

    /// <summary>Adds a kind.</summary>
    /// <param name="kind">The kind; its name and keys are no others'.</param>
    /// <returns>The kinds with it.</returns>
    public NodeKinds With(NodeKind kind) => new([.. kinds, kind]);
}
