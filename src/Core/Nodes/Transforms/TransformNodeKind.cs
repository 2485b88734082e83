using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Parsing;
using Polyphony.Core.Runs;
using Polyphony.Expressions;

namespace Polyphony.Core.Nodes.Transforms;

/// <summary>Computes a value.</summary>
internal sealed class TransformNodeKind : NodeKind
{
    public static readonly TransformNodeKind Instance = new();

    public override string Name => "transform";

    public override bool TakesTime => false;

    public override bool IsDivisible => true;

    public override IReadOnlyList<ExpressionSiteKind> Reads { get; } = [ExpressionSiteKind.Transform];

    public override NodeDefinition? Read(string name, MapReader map) => TransformNodeReader.Read(name, map);

    public override void Write(NodeDefinition node, CanonicalText text) => TransformNodeWriter.Write((TransformNode)node, text);

    public override ExpressionType OutputType(NodeDefinition node, IFileTypes types) => types.OfValue(((TransformNode)node).Value, node.Name);

    public override object? ExpressionOf(NodeDefinition node, ExpressionSiteKind site) => ((TransformNode)node).Value;

    public override INodeRunner CreateRunner(NodeRunnerServices services) => new TransformNodeRunner(services.Context);
}
