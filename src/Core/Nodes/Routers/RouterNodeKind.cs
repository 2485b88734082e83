using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Parsing;
using Polyphony.Core.Nodes.Agents;
using Polyphony.Core.Runs;
using Polyphony.Expressions;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Core.Nodes.Routers;

/// <summary>Asks an agent which nodes run next.</summary>
internal sealed class RouterNodeKind : NodeKind
{
    public static readonly RouterNodeKind Instance = new();

    public override string Name => "router";

    public override IReadOnlyList<string> Keys { get; } = ["prompt", "to", "fallback", "atMost"];

    public override bool TakesSlot => true;

    public override IReadOnlyList<ExpressionSiteKind> Reads { get; } = [ExpressionSiteKind.Prompt];

    public override NodeDefinition? Read(string name, MapReader map) => new RouterNodeReader(name, map).Read();

    public override void Write(NodeDefinition node, CanonicalText text) => RouterNodeWriter.Write((RouterNode)node, text);

    public override void Check(NodeDefinition node, NodeCheck check)
    {
        if (node.ForEach is not null)
        {
            check.Invalid("forEach", "a router chooses for the whole run, not for items", "Give the items to a workflow node, and let that workflow have a router.");
        }

        if (node.OnError.Kind is ErrorPolicyKind.Agent or ErrorPolicyKind.Value)
        {
            check.Invalid("onError", "what takes the place of a router's answer is its fallback", "Set \"fallback\", and use fail or skip here.");
        }
    }

    public override ExpressionType OutputType(NodeDefinition node, IFileTypes types) => ((RouterNode)node).Answer.ToExpressionType();

    public override JsonSchema? OutputSchema(NodeDefinition node, IReadOnlyDictionary<string, AgentDefinition> agents) => ((RouterNode)node).Answer;

    public override NodeCalls BoundCalls(NodeDefinition node, ProofBuilder proof) => AgentNodeCalls.Of(((RouterNode)node).Agent, node, proof);

    public override object? ExpressionOf(NodeDefinition node, ExpressionSiteKind site) => ((RouterNode)node).Prompt;

    public override string? AgentOf(NodeDefinition node) => ((RouterNode)node).Agent;

    public override AgentDefinition Adjust(AgentDefinition agent, NodeDefinition node) => agent with { Output = ((RouterNode)node).Answer };

    public override string? RoleOf(NodeDefinition node) => "assistant";

    public override INodeRunner CreateRunner(NodeRunnerServices services) => new RouterNodeRunner(services.Agents);
}
