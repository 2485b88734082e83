using Polyphony.Core.Definitions;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Nodes.Waits;

/// <summary>Waits for a duration, a time or an event.</summary>
internal sealed class WaitNodeKind : NodeKind
{
    public static readonly WaitNodeKind Instance = new();

    public override string Name => "wait";

    public override bool WaitsOutside => true;

    public override IReadOnlyList<ExpressionSiteKind> Reads { get; } = [ExpressionSiteKind.Until];

    public override object? ExpressionOf(NodeDefinition node, ExpressionSiteKind site) => ((WaitNode)node).Until;

    public override string? RoleOf(NodeDefinition node) => node is WaitNode { Event: not null } ? "user" : null;

    public override INodeRunner CreateRunner(NodeRunnerServices services) => new WaitNodeRunner(services.Context, services.Events);
}
