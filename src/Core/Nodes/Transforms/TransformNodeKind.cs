using Polyphony.Core.Definitions;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Nodes.Transforms;

/// <summary>Computes a value.</summary>
internal sealed class TransformNodeKind : NodeKind
{
    public static readonly TransformNodeKind Instance = new();

    public override string Name => "transform";

    public override bool IsDivisible => true;

    public override IReadOnlyList<ExpressionSiteKind> Reads { get; } = [ExpressionSiteKind.Transform];

    public override object? ExpressionOf(NodeDefinition node, ExpressionSiteKind site) => ((TransformNode)node).Value;

    public override INodeRunner CreateRunner(NodeRunnerServices services) => new TransformNodeRunner(services.Context);
}
