using System.Text.Json;
using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Sources;
using Polyphony.Expressions.Schemas;
using Polyphony.TestKit;

namespace Polyphony.Core.Tests.Definitions;

/// <summary>
/// Every YAML block of the docs is validated. One marked <c>yaml</c> alone is a whole file; with a second word it is the content of that part of a file (<c>top</c>: further
/// keys of the top level) and is put into a frame.
/// </summary>
[Trait("Row", "B1")]
public sealed class DocsTests
{
    private const string Agents = """
        agents:
          planner: { model: fast, output: { type: object, properties: { questions: { type: array, items: { type: string } } } } }
          writer: { model: fast }
          critic: { model: fast }
          chair: { model: fast }

        """;

    private static readonly string[] Pages = [.. Directory
        .EnumerateFiles(Path.Combine(Repository.Root, "docs"), "*.md", SearchOption.AllDirectories)
        .Append(Path.Combine(Repository.Root, "README.md"))
        .Where(page => File.ReadLines(page).Any(line => line.StartsWith("```yaml", StringComparison.Ordinal)))
        .Select(page => Path.GetRelativePath(Repository.Root, page).Replace(Path.DirectorySeparatorChar, '/'))
        .Order(StringComparer.Ordinal)];

    private static readonly Lazy<JsonSchema> Schema = new(() =>
    {
        using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(Repository.Root, "docs", "workflow.schema.json")));
        return JsonSchema.TryParse(json.RootElement.Clone(), out var schema, out var problems) ? schema : throw new InvalidOperationException(string.Join('\n', problems));
    });

    public static TheoryData<string, int, string> Blocks()
    {
        var data = new TheoryData<string, int, string>();
        foreach (var page in Pages)
        {
            var lines = File.ReadAllLines(Path.Combine(Repository.Root, page));
            for (var i = 0; i < lines.Length; i++)
            {
                if (!lines[i].StartsWith("```yaml", StringComparison.Ordinal))
                {
                    continue;
                }

                var end = Array.FindIndex(lines, i + 1, line => line == "```");
                data.Add($"{page}:{i + 1}", i + 1, Frame(lines[i][7..].Trim(), lines[(i + 1)..end]));
                i = end;
            }
        }

        return data;
    }

    public static TheoryData<string> Samples() =>
        [.. Directory.GetFiles(Path.Combine(Repository.Root, "samples"), "*.yaml").Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Blocks))]
    public void Parse_YamlBlock_IsValid(string place, int line, string yaml)
    {
        var read = YamlSource.Read(yaml, place);
        Assert.Empty(read.Problems);

        Assert.Empty(WorkflowParser.Parse(read.Root!, place).Problems);
        Assert.Empty(Schema.Value.Validate(Json(read.Root!)));
        Assert.True(line > 0);
    }

    [Theory]
    [MemberData(nameof(Samples))]
    public void Schema_Sample_Fits(string sample) =>
        Assert.Empty(Schema.Value.Validate(Json(YamlSource.Read(File.ReadAllText(Path.Combine(Repository.Root, "samples", sample))).Root!)));

    [Fact]
    public void Pages_ThatShowWorkflows_AreFound() =>
        Assert.Superset(new HashSet<string> { "README.md", "docs/graph-semantics.md", "docs/models.md", "docs/workflow-format.md" }, Pages.ToHashSet());

    /// <summary>The parser tells which keys it knows when it meets one that is far from all of them; the schema must have exactly those.</summary>
    [Theory]
    [InlineData("", "{0}")]
    [InlineData("limits", "limits: {{ {0} }}")]
    [InlineData("model", "models: {{ x: {{ provider: offline, {0} }} }}")]
    [InlineData("agent", "agents: {{ x: {{ model: fast, {0} }} }}")]
    [InlineData("httpTool", "tools: {{ x: {{ http: {{ url: 'https://example.com' }}, {0} }} }}")]
    [InlineData("workflowTool", "tools: {{ x: {{ workflow: w, {0} }} }}")]
    [InlineData("humanTool", "tools: {{ x: {{ human: {{ prompt: x }}, {0} }} }}")]
    [InlineData("humanCall", "tools: {{ x: {{ human: {{ prompt: x, {0} }} }} }}")]
    [InlineData("http", "tools: {{ x: {{ http: {{ url: 'https://example.com', {0} }} }} }}")]
    [InlineData("retry", "agents: {{ x: {{ model: fast, retry: {{ {0} }} }} }}")]
    [InlineData("filter", "agents: {{ x: {{ model: fast, context: [{{ {0} }}] }} }}")]
    [InlineData("agentNode", "nodes: {{ x: {{ agent: a, prompt: x, {0} }} }}")]
    [InlineData("routerNode", "nodes: {{ x: {{ router: a, prompt: x, to: [a, b], {0} }} }}")]
    [InlineData("teamNode", "nodes: {{ x: {{ team: [a], prompt: x, {0} }} }}")]
    [InlineData("compact", "nodes: {{ x: {{ team: [a], prompt: x, compact: {{ agent: b, {0} }} }} }}")]
    [InlineData("toolNode", "nodes: {{ x: {{ tool: a, {0} }} }}")]
    [InlineData("toolCall", "nodes: {{ x: {{ tool: {{ name: a, {0} }} }} }}")]
    [InlineData("agentTool", "agents: {{ x: {{ model: fast, tools: [{{ name: a, {0} }}] }} }}")]
    [InlineData("approvalRule", "nodes: {{ x: {{ tool: a, approval: {{ when: always, {0} }} }} }}")]
    [InlineData("humanNode", "nodes: {{ x: {{ human: {{ prompt: x }}, {0} }} }}")]
    [InlineData("human", "nodes: {{ x: {{ human: {{ prompt: x, {0} }} }} }}")]
    [InlineData("onTimeout", "nodes: {{ x: {{ human: {{ prompt: x, timeout: 1s, onTimeout: {{ value: 1, {0} }} }} }} }}")]
    [InlineData("workflowNode", "nodes: {{ x: {{ workflow: a, {0} }} }}")]
    [InlineData("waitNode", "nodes: {{ x: {{ wait: 1s, {0} }} }}")]
    [InlineData("wait", "nodes: {{ x: {{ wait: {{ for: 1s, {0} }} }} }}")]
    [InlineData("transformNode", "nodes: {{ x: {{ transform: 1, {0} }} }}")]
    [InlineData("edgeMap", "edges: [{{ from: a, to: b, {0} }}]")]
    [InlineData("termination", "termination: {{ maxMessages: 1, {0} }}")]
    [InlineData("stateValue", "state: {{ x: {{ reducer: sum, {0} }} }}")]
    [InlineData("schedule", "schedule: {{ cron: 0 7 * * *, {0} }}")]
    public void Schema_EveryPart_HasExactlyTheKeysOfTheParser(string definition, string yaml)
    {
        var root = YamlSource.Read(string.Format(yaml, "zzzzzzzzzzzzzzzzzz: 1")).Root!;
        var hint = WorkflowParser.Parse(root).Problems.Single(problem => problem.Code == "unknown_key").Hint!;

        var schema = Schema.Value.Json;
        schema = definition.Length == 0 ? schema : schema.GetProperty("$defs").GetProperty(definition);

        var keys = hint["Known keys here: ".Length..].TrimEnd('.').Split(", ");
        Assert.Equal(keys.Order(StringComparer.Ordinal), schema.GetProperty("properties").EnumerateObject().Select(member => member.Name).Order(StringComparer.Ordinal));
    }

    private static string Frame(string part, string[] block)
    {
        var inner = string.Join('\n', block.Select(line => "  " + line)) + "\n";
        return part switch
        {
            "" => string.Join('\n', block),
            "top" => string.Join('\n', block) + "\nname: example\nnodes: { a: { transform: 1 } }\n",
            "models" => $"name: example\nmodels:\n{inner}nodes: {{ a: {{ transform: 1 }} }}\n",
            "agents" => $"name: example\nagents:\n{inner}nodes: {{ a: {{ agent: planner, prompt: x }}, b: {{ agent: researcher, prompt: x }} }}\n",
            "tools" => $"name: example\ntools:\n{inner}nodes: {{ a: {{ transform: 1 }} }}\n",
            "nodes" => $"name: example\n{Agents}nodes:\n  plan: {{ agent: planner, prompt: x }}\n{inner}",
            "edges" => "name: example\nnodes:\n" + string.Concat(
                "plan left right draft review approve notify".Split(' ').Select(name => $"  {name}: {{ transform: {{ score: 1 }} }}\n")) + "edges:\n" + inner,
            _ => throw new InvalidOperationException($"There is no frame \"{part}\"."),
        };
    }

    private static JsonElement Json(SourceNode node) => JsonSerializer.SerializeToElement(Plain(node));

    private static object? Plain(SourceNode node) => node switch
    {
        SourceMapping map => map.Entries.ToDictionary(entry => entry.Key, entry => Plain(entry.Value), StringComparer.Ordinal),
        SourceSequence list => list.Items.Select(Plain).ToArray(),
        _ => ((SourceScalar)node).Value,
    };
}
