using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Parsing;
using Polyphony.Core.Runs;
using Polyphony.Expressions;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Core.Nodes.Humans;

/// <summary>Asks a person.</summary>
internal sealed class HumanNodeKind : NodeKind
{
    public static readonly HumanNodeKind Instance = new();

    public override string Name => "human";

    public override bool WaitsOutside => true;

    public override bool IsQuestion => true;

    public override IReadOnlyList<ExpressionSiteKind> Reads { get; } = [ExpressionSiteKind.Prompt, ExpressionSiteKind.TimeoutValue, ExpressionSiteKind.Escalation, ExpressionSiteKind.RejectWhen];

    public override NodeDefinition? Read(string name, MapReader map) => new HumanNodeReader(name, map).Read();

    public override void Write(NodeDefinition node, CanonicalText text) => HumanNodeWriter.Write((HumanNode)node, text);

    public override void Check(NodeDefinition node, NodeCheck check)
    {
        if (node is HumanNode { Schema: { } schema, OnTimeout.Value: { } value })
        {
            check.Default("human.onTimeout.value", value, schema, $"the default answer of {node.Name}");
        }
    }

    public override ExpressionType OutputType(NodeDefinition node, IFileTypes types) => AnswerSchemaOf(node)?.ToExpressionType() ?? ExpressionType.Any;

    // A value that takes the answer's place may have templates, and is not held to the schema.
    public override JsonSchema? OutputSchema(NodeDefinition node, IReadOnlyDictionary<string, AgentDefinition> agents) =>
        ((HumanNode)node).OnTimeout.Kind == HumanTimeoutKind.Value ? null : AnswerSchemaOf(node);

    public override object? ExpressionOf(NodeDefinition node, ExpressionSiteKind site)
    {
        var human = (HumanNode)node;
        return site switch
        {
            ExpressionSiteKind.TimeoutValue => human.OnTimeout.Value,
            ExpressionSiteKind.Escalation => human.OnTimeout.Escalation,
            ExpressionSiteKind.RejectWhen => human.RejectWhen,
            _ => human.Prompt,
        };
    }

    public override JsonSchema? AnswerSchemaOf(NodeDefinition node) => ((HumanNode)node).Schema;

    public override bool MayReject(NodeDefinition node) => ((HumanNode)node).RejectWhen is not null;

    public override string? RoleOf(NodeDefinition node) => "user";

    public override INodeRunner CreateRunner(NodeRunnerServices services) => new HumanNodeRunner(services.Context, services.Events);
}
