using Polyphony.Core.Definitions;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Nodes.Humans;

/// <summary>Asks a person.</summary>
internal sealed class HumanNodeKind : NodeKind
{
    public static readonly HumanNodeKind Instance = new();

    public override string Name => "human";

    public override bool WaitsOutside => true;

    public override bool IsQuestion => true;

    public override IReadOnlyList<ExpressionSiteKind> Reads { get; } = [ExpressionSiteKind.Prompt, ExpressionSiteKind.TimeoutValue, ExpressionSiteKind.Escalation, ExpressionSiteKind.RejectWhen];

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

    public override string? RoleOf(NodeDefinition node) => "user";

    public override INodeRunner CreateRunner(NodeRunnerServices services) => new HumanNodeRunner(services.Context, services.Events);
}
