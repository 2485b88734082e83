using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Parsing;
using Polyphony.Core.Runs;
using Polyphony.Expressions;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Core.Nodes.Waits;

/// <summary>Waits for a duration, a time or an event.</summary>
internal sealed class WaitNodeKind : NodeKind
{
    public static readonly WaitNodeKind Instance = new();

    public override string Name => "wait";

    public override bool WaitsOutside => true;

    public override IReadOnlyList<ExpressionSiteKind> Reads { get; } = [ExpressionSiteKind.Until];

    public override NodeDefinition? Read(string name, MapReader map) => WaitNodeReader.Read(name, map);

    public override void Write(NodeDefinition node, CanonicalText text) => WaitNodeWriter.Write((WaitNode)node, text);

    // Only an event has a schema; what the passing of time gives is nobody's business.
    public override ExpressionType OutputType(NodeDefinition node, IFileTypes types) => AnswerSchemaOf(node)?.ToExpressionType() ?? ExpressionType.Any;

    public override JsonSchema? OutputSchema(NodeDefinition node, IReadOnlyDictionary<string, AgentDefinition> agents) => AnswerSchemaOf(node);

    public override object? ExpressionOf(NodeDefinition node, ExpressionSiteKind site) => ((WaitNode)node).Until;

    public override string? EventOf(NodeDefinition node) => ((WaitNode)node).Event;

    public override JsonSchema? AnswerSchemaOf(NodeDefinition node) => ((WaitNode)node).Schema;

    public override string? RoleOf(NodeDefinition node) => EventOf(node) is null ? null : "user";

    public override INodeRunner CreateRunner(NodeRunnerServices services) => new WaitNodeRunner(services.Context, services.Events);
}
