using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Parsing;
using Polyphony.Core.Runs;
using Polyphony.Expressions;

namespace Polyphony.Core.Nodes.Code;

/// <summary>Runs a C# function. Its calls of agents and tools take slots and count against the limit of model calls, not the function itself.</summary>
internal sealed class CodeNodeKind : NodeKind
{
    public static readonly CodeNodeKind Instance = new();

    public override string Name => "code";

    public override IReadOnlyList<string> Keys { get; } = ["input", "workflows"];

    public override bool TakesTime => false;

    public override bool MayTakeLong => true;

    public override IReadOnlyList<ExpressionSiteKind> Reads { get; } = [ExpressionSiteKind.WorkflowInput];

    public override NodeDefinition? Read(string name, MapReader map) => CodeNodeReader.Read(name, map);

    public override void Write(NodeDefinition node, CanonicalText text) => CodeNodeWriter.Write((CodeNode)node, text);

    public override ExpressionType OutputType(NodeDefinition node, IFileTypes types) => ExpressionType.Any;

    public override object? ExpressionOf(NodeDefinition node, ExpressionSiteKind site) => ((CodeNode)node).Input;

    /// <summary>What a function does can't be known in advance.</summary>
    public override NodeCalls BoundCalls(NodeDefinition node, ProofBuilder proof)
    {
        var unknown = CallBound.Of(1).Per($"call in each run of C# workflow \"{((CodeNode)node).Function}\"");
        return new NodeCalls(unknown, unknown, [$"calls of {((CodeNode)node).Function}"]);
    }

    /// <summary>A function may ask any agent of its workflow.</summary>
    public override IEnumerable<string> AgentsOf(NodeDefinition node, IEnumerable<string> all) => all;

    public override IEnumerable<SubWorkflowUse> SubWorkflowsOf(NodeDefinition node) =>
        ((CodeNode)node).Workflows.Select(workflow => new SubWorkflowUse($"nodes.{node.Name}", workflow, Limits: null));

    public override string? RoleOf(NodeDefinition node) => "assistant";

    public override INodeRunner CreateRunner(NodeRunnerServices services) => new CodeNodeRunner(services);
}
