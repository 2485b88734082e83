using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Parsing;
using Polyphony.Core.Runs;
using Polyphony.Expressions;

namespace Polyphony.Core.Nodes.Tools;

/// <summary>Calls a tool.</summary>
internal sealed class ToolNodeKind : NodeKind
{
    public static readonly ToolNodeKind Instance = new();

    public override string Name => "tool";

    public override IReadOnlyList<string> Keys { get; } = ["arguments", "approval", "idempotent"];

    public override bool TakesSlot => true;

    public override bool SharesActivities => true;

    public override bool IsDivisible => true;

    public override IReadOnlyList<ExpressionSiteKind> Reads { get; } = [ExpressionSiteKind.Arguments];

    public override NodeDefinition? Read(string name, MapReader map) => ToolNodeReader.Read(name, map);

    public override string? ToolOf(NodeDefinition node) => ((ToolNode)node).Tool;

    public override void Check(NodeDefinition node, NodeCheck check) => check.Arguments(((ToolNode)node).Tool, ((ToolNode)node).Arguments);

    public override void Write(NodeDefinition node, CanonicalText text) => ToolNodeWriter.Write((ToolNode)node, text);

    public override ExpressionType OutputType(NodeDefinition node, IFileTypes types) => ExpressionType.Any;

    public override object? ExpressionOf(NodeDefinition node, ExpressionSiteKind site) => ((ToolNode)node).Arguments;

    public override ToolRules? ToolRulesOf(NodeDefinition node) => ((ToolNode)node).Rules;

    public override string? RoleOf(NodeDefinition node) => "tool";

    public override INodeRunner CreateRunner(NodeRunnerServices services) => new ToolNodeRunner(services.Context, services.Tools);
}
