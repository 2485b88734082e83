using System.Text.Json;
using System.Text.Json.Nodes;
using Polyphony.Expressions.Schemas;
using Polyphony.TestKit;

namespace Polyphony.Expressions.Tests.Schemas;

/// <summary>
/// The official test suite of JSON Schema, as far as the documentation claims its keywords. What is expected otherwise is in expected-otherwise.txt, by name: a
/// group that is refused when it is read, or a test whose result differs. The files of draft 7 that say the same as those of 2020-12 are made from them.
/// </summary>
[Trait("Row", "O13")]
public sealed class TestSuiteTests
{
    private const string Draft7 = "http://json-schema.org/draft-07/schema#";
    private static readonly string Folder = Path.Combine(Repository.Root, "tests", "Expressions.Tests", "Schemas", "TestSuite");
    private static readonly string[] Expected = [.. File.ReadAllLines(Path.Combine(Folder, "expected-otherwise.txt")).Where(line => line.Length > 0 && line[0] != '#')];

    // Keywords of 2020-12 that draft 7 doesn't have, or has in other files.
    private static readonly HashSet<string> NotInDraft7 = new(StringComparer.Ordinal)
    {
        "defs", "dependentRequired", "dependentSchemas", "maxContains", "minContains", "prefixItems", "optional/format-assertion", "optional/no-schema", "optional/refOfUnknownKeyword",
        "optional/format/duration", "optional/format/uuid",
    };

    public static TheoryData<string, string> Files()
    {
        var data = new TheoryData<string, string>();
        foreach (var name in Names("draft2020-12").Union(Names("draft7"), StringComparer.Ordinal))
        {
            if (File.Exists(PathOf("draft2020-12", name)))
            {
                data.Add("draft2020-12", name);
            }

            if (!NotInDraft7.Contains(name))
            {
                data.Add("draft7", name);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Validate_OfficialTests_GiveTheExpectedResults(string draft, string name)
    {
        List<string> actual = [];
        foreach (var (title, schema, tests) in Groups(draft, name))
        {
            if (!JsonSchema.TryParse(schema, out var parsed, out _, SchemaReading.Lenient))
            {
                actual.Add($"refused: {draft}/{name}: {title}");
                continue;
            }

            actual.AddRange(Wrong(parsed, tests).Select(test => $"differs: {draft}/{name}: {title}: {test}"));
        }

        Assert.True(
            Expected.Where(line => line.Contains($": {draft}/{name}: ", StringComparison.Ordinal)).SequenceEqual(actual, StringComparer.Ordinal),
            $"Otherwise than the suite expects are:\n{string.Join('\n', actual)}");
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Validate_OfficialTestsReadStrictly_AreRefusedOrGiveTheSameResults(string draft, string name)
    {
        List<string> actual = [];
        foreach (var (title, schema, tests) in Groups(draft, name))
        {
            // Older drafts are read leniently alone.
            if (draft != "draft7" && JsonSchema.TryParse(schema, out var parsed, out _))
            {
                actual.AddRange(Wrong(parsed, tests).Select(test => $"differs: {draft}/{name}: {title}: {test}"));
            }
        }

        Assert.Empty(actual.Except(Expected, StringComparer.Ordinal));
    }

    [Fact]
    public void ExpectedOtherwise_EveryLine_NamesAFile() =>
        Assert.All(Expected, line => Assert.Contains(Files(), file => line.Contains($": {file.Data.Item1}/{file.Data.Item2}: ", StringComparison.Ordinal)));

    private static IEnumerable<string> Wrong(JsonSchema schema, JsonElement tests) => tests.EnumerateArray()
        .Where(test => schema.Validate(test.GetProperty("data")).Count == 0 != test.GetProperty("valid").GetBoolean())
        .Select(test => test.GetProperty("description").GetString()!);

    private static IEnumerable<(string Title, JsonElement Schema, JsonElement Tests)> Groups(string draft, string name)
    {
        var isOwn = File.Exists(PathOf(draft, name));
        foreach (var group in JsonElement.Parse(File.ReadAllBytes(PathOf(isOwn ? draft : "draft2020-12", name))).EnumerateArray())
        {
            var schema = group.GetProperty("schema");
            if (draft == "draft7" && schema.ValueKind == JsonValueKind.Object)
            {
                // Which draft it is, the files say by their folder alone.
                var copy = JsonObject.Create(schema)!;
                copy["$schema"] = Draft7;
                schema = JsonElement.Parse(copy.ToJsonString());
            }

            yield return (group.GetProperty("description").GetString()!, schema, group.GetProperty("tests"));
        }
    }

    private static IEnumerable<string> Names(string draft) => Directory
        .EnumerateFiles(Path.Combine(Folder, draft), "*.json", SearchOption.AllDirectories)
        .Select(file => Path.ChangeExtension(Path.GetRelativePath(Path.Combine(Folder, draft), file), null).Replace(Path.DirectorySeparatorChar, '/'))
        .Order(StringComparer.Ordinal);

    private static string PathOf(string draft, string name) => Path.Combine(Folder, draft, name + ".json");
}
