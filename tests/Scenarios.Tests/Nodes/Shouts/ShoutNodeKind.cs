using System.Text.Json;
using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Parsing;
using Polyphony.Core.Nodes;
using Polyphony.Core.Runs;
using Polyphony.Expressions;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Scenarios.Tests.Nodes.Shouts;

internal sealed class ShoutNodeKind : NodeKind
{
    private static readonly JsonSchema TextSchema =
        JsonSchema.TryParse(JsonElement.Parse("""{"type":"string"}"""), out var schema, out _) ? schema : throw new InvalidOperationException("It is a schema.");

    private int _parses;

    /// <summary>Gets how many nodes of this kind were read: as many as workflows with one such node were parsed.</summary>
    public int Parses => _parses;

    public override string Name => "shout";

    public override IReadOnlyList<string> Keys { get; } = ["times", "otherwise"];

    public override IReadOnlyList<ExpressionSiteKind> Reads { get; } = [ExpressionSiteKind.Prompt, ExpressionSiteKind.TimeoutValue];

    public override NodeDefinition? Read(string name, MapReader map)
    {
        Interlocked.Increment(ref _parses);
        return ShoutNodeReader.Read(this, name, map);
    }

    public override void Write(NodeDefinition node, CanonicalText text) => ShoutNodeWriter.Write((ShoutNode)node, text);

    public override void Check(NodeDefinition node, NodeCheck check)
    {
        if (((ShoutNode)node).Otherwise is { } value)
        {
            check.Default("otherwise", value, TextSchema, $"what {node.Name} shouts otherwise");
        }
    }

    public override ExpressionType OutputType(NodeDefinition node, IFileTypes types) => ExpressionType.String;

    // As if somebody had to be asked each time.
    public override NodeCalls BoundCalls(NodeDefinition node, ProofBuilder proof)
    {
        var calls = CallBound.Of(((ShoutNode)node).Times);
        return new NodeCalls(calls, calls, [ProofBuilder.Count(calls.Constant, "shout")]);
    }

    public override object? ExpressionOf(NodeDefinition node, ExpressionSiteKind site) =>
        site == ExpressionSiteKind.TimeoutValue ? ((ShoutNode)node).Otherwise : ((ShoutNode)node).Text;

    public override string? RoleOf(NodeDefinition node) => "user";

    public override INodeRunner CreateRunner(NodeRunnerServices services) => new ShoutNodeRunner(services.Context);
}
