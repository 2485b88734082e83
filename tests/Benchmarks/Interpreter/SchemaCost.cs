using System.Diagnostics;
using System.Text.Json;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Benchmarks.Interpreter;

/// <summary>What it costs to check large values against unions.</summary>
internal static class SchemaCost
{
    internal static Task RunAsync(Round round)
    {
        var alternatives = string.Join(',', Enumerable.Range(0, 40).Select(i => $$"""{"required":["k"],"properties":{"k":{"const":"v{{i}}"},"n":{"type":"integer"} } }"""));
        var list = Parse($$"""{"items":{"oneOf":[{{alternatives}}]} }""");
        var items = string.Join(',', Enumerable.Range(0, round.Scale(20_000, 1000)).Select(i => $$"""{"k":"v{{i % 40}}","n":{{i}} }"""));
        Time(round, "schema.list", list, JsonElement.Parse($"[{items}]"), fits: true);
        Time(round, "schema.list.wrong", list, JsonElement.Parse($$"""[{{items}},{"k":"WRONG"}]"""), fits: false);

        var tree = Parse("""
            {"$ref":"#/$defs/e","$defs":{"e":{"oneOf":[{"type":"integer"},
              {"required":["op","a","b"],"type":"object","properties":{"op":{"const":"add"},"a":{"$ref":"#/$defs/e"},"b":{"$ref":"#/$defs/e"}}},
              {"required":["op","a","b"],"type":"object","properties":{"op":{"const":"mul"},"a":{"$ref":"#/$defs/e"},"b":{"$ref":"#/$defs/e"}}}]}}}
            """);
        var depth = round.Scale(16, 8);
        Time(round, "schema.tree", tree, JsonElement.Parse(Tree(depth, "1")), fits: true);
        Time(round, "schema.tree.wrong", tree, JsonElement.Parse(Tree(depth, "\"x\"")), fits: false);
        return Task.CompletedTask;
    }

    private static string Tree(int depth, string leaf) =>
        depth == 0 ? leaf : $$"""{"op":"{{(depth % 2 == 0 ? "add" : "mul")}}","a":{{Tree(depth - 1, "1")}},"b":{{Tree(depth - 1, leaf)}} }""";

    private static JsonSchema Parse(string json) =>
        JsonSchema.TryParse(JsonElement.Parse(json), out var schema, out var problems) ? schema : throw new InvalidOperationException($"The benchmark's schema is not valid: {problems[0]}");

    private static void Time(Round round, string name, JsonSchema schema, JsonElement value, bool fits)
    {
        var began = Stopwatch.GetTimestamp();
        if (schema.Validate(value).Count == 0 != fits)
        {
            throw new InvalidOperationException($"{name} was checked wrongly.");
        }

        round.Record(name, "ms", Stopwatch.GetElapsedTime(began).TotalMilliseconds, higherIsBetter: false);
    }
}
