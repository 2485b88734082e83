using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Parsing;
using Polyphony.Core.Runs;
using Polyphony.Expressions;

namespace Polyphony.Core.Nodes.Publishing;

/// <summary>Publishes a message.</summary>
internal sealed class PublishNodeKind : NodeKind
{
    public static readonly PublishNodeKind Instance = new();

    private static readonly ExpressionType Receipt = ExpressionType.Object(
        new Dictionary<string, ExpressionType>(StringComparer.Ordinal)
        {
            ["messageId"] = ExpressionType.String,
            ["topic"] = ExpressionType.String,
            ["source"] = ExpressionType.String,
            ["mailboxes"] = ExpressionType.ListOf(ExpressionType.String),
        });

    public override string Name => "publish";

    public override IReadOnlyList<string> Keys { get; } = ["source", "data", "messageId"];

    public override bool TakesTime => false;

    public override IReadOnlyList<ExpressionSiteKind> Reads { get; } = [ExpressionSiteKind.Publish];

    public override NodeDefinition? Read(string name, MapReader map) => PublishNodeReader.Read(name, map);

    public override void Write(NodeDefinition node, CanonicalText text) => PublishNodeWriter.Write((PublishNode)node, text);

    public override ExpressionType OutputType(NodeDefinition node, IFileTypes types) => Receipt;

    public override object? ExpressionOf(NodeDefinition node, ExpressionSiteKind site) => ((PublishNode)node).Message;

    public override INodeRunner CreateRunner(NodeRunnerServices services) => new PublishNodeRunner(services.Context);
}
