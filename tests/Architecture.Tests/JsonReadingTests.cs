using System.Text.Json.Serialization;
using System.Text.RegularExpressions;

namespace Polyphony.Architecture.Tests;

/// <summary>JSON is read within one limit of depth: what reads less than others write loses what was taken, and paid, before.</summary>
public sealed partial class JsonReadingTests
{
    // What reads text of its own making that can hold no values.
    private static readonly HashSet<string> Allowed = new(StringComparer.Ordinal)
    {
        "Core/Runs/CallScopeValues.cs", "Expressions/Schemas/SchemaValidator.Members.cs",
    };

    [Fact]
    public void Parse_OfAnythingButAConstant_NamesItsLimits()
    {
        var bare = Tree.Sources("src")
            .Where(file => !Allowed.Contains(Path.GetRelativePath(Path.Combine(Tree.Root, "src"), file).Replace('\\', '/')))
            .SelectMany(file => Calls(File.ReadAllText(file)).Select(call => $"{Path.GetRelativePath(Tree.Root, file)}: {call}"));

        Assert.Empty(bare);
    }

    [Fact]
    public void Parse_BareCalls_AreFound()
    {
        Assert.Equal(
            ["JsonElement.Parse(text)", "JsonDocument.Parse(Read(a, b))", "JsonNode.Parse(text, null)", "JsonSerializer.Deserialize<Thing>(text)"],
            Calls("""
                JsonElement.Parse("{}"); JsonElement.Parse("[]"u8); JsonElement.Parse(text); JsonDocument.Parse(Read(a, b)); JsonNode.Parse(text, null); JsonElement.Parse(text, JsonLimits.Document);
                JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = 3 }); JsonSerializer.Deserialize<Thing>(text); JsonSerializer.Deserialize(text, Context.Default.Thing);
                """));
    }

    // Types are read by contexts that know the limit.
    [Fact]
    public void JsonContexts_OfCoreAndTheApi_ReadAsDeepAsValuesGo()
    {
        var contexts = Tree.ProductAssemblies.Where(pair => pair.Key is "Core" or "Http" or "Cli").SelectMany(pair => pair.Value.GetTypes()).Where(type => type.IsSubclassOf(typeof(JsonSerializerContext))).ToList();

        Assert.True(contexts.Count >= 3);
        Assert.All(contexts, type => Assert.Equal(256, ((JsonSerializerContext)type.GetProperty("Default")!.GetValue(null)!).Options.MaxDepth));
    }

    private static IEnumerable<string> Calls(string source)
    {
        foreach (Match match in ReadCall().Matches(source))
        {
            var end = match.Index + match.Length;
            for (var depth = 1; depth > 0; end++)
            {
                depth += source[end] switch { '(' => 1, ')' => -1, _ => 0 };
            }

            var call = source[match.Index..end];
            var arguments = source[(match.Index + match.Length)..(end - 1)];
            var isLimited = call.Contains("JsonLimits.", StringComparison.Ordinal) || call.Contains("Options", StringComparison.Ordinal) || call.Contains("RequestBody.Document", StringComparison.Ordinal)
                || call.EndsWith(": Document)", StringComparison.Ordinal);
            var isConstant = Constant().IsMatch(arguments);
            if (!isConstant && (match.Groups["typed"].Success ? match.Groups["generic"].Success : !isLimited))
            {
                yield return call;
            }
        }
    }

    [GeneratedRegex("""\b(JsonElement|JsonDocument|JsonNode)\.Parse(Async)?\(|\bJsonSerializer\.(?<typed>Deserialize(Async)?)(?<generic><[^(]*>)?\(""", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ReadCall();

    [GeneratedRegex("""^"[^"]*"(u8)?$""", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Constant();
}
