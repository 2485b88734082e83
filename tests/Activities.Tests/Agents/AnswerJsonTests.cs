using System.Text.Json;
using Polyphony.Activities.Agents;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Activities.Tests.Agents;

/// <summary>Where models put the JSON that they were asked for, and what is not taken for it.</summary>
[Trait("Row", "T6")]
public sealed class AnswerJsonTests
{
    private const string Stars = """{ "type": "object", "required": ["stars"], "additionalProperties": false, "properties": { "stars": { "type": "integer" } } }""";

    public static TheoryData<string> Found =>
    [
        """{"stars":5}""",
        " \n{ \"stars\": 5 }\n",
        "\uFEFF{\"stars\":5}",
        "<think>\nFive stars {maybe}?\n</think>\n\n{\"stars\":5}",
        "<thinking>{\"stars\":1}</thinking>{\"stars\":5}",
        "<reasoning>no</reasoning>\n<think>or {\"stars\":2}</think>```json\n{\"stars\":5}\n```",
        "Five, I think.</think>\n{\"stars\":5}",
        "<think>\nFive stars {maybe}, or [four]?\n\n{\"stars\":5}",
        "{\"stars\":5}\n<think>Was that {\"stars\":4}?</think>",
        "<THINK>hm</THINK>\n{\"stars\":5}",
        "Here is the rating:\n```json\n{\"stars\":5}\n```\nTell me if you want more.",
        "```json{\"stars\":5}```",
        "```{\"stars\":5}```",
        "```JSON title=rating\n{\"stars\":5}\n```",
        "```application/json\r\n{\"stars\":5}\r\n```",
        "```python\nprint({})\n```\nprints\n```json\n{\"stars\":5}\n```",
        "```json\n{\"stars\":5}",
        "~~~\n{\"stars\":5}\n~~~",
        "The rating is {\"stars\":5}. Fine?",
        "\"{\\\"stars\\\":5}\"",
        "\"```json\\n{\\\"stars\\\":5}\\n```\"",
        "```json\n\"{\\\"stars\\\":5}\"\n```",
        "Not {\"rating\":5} but {\"stars\":5}.",
        "{\"stars\":5}\n\nOnce more: {\"stars\": 5}",
        "{\"stars\":5} and then [{\"stars\":4}, {\"stars\":",
        "The set {a, b} and the list [1] give {\"stars\":5}",
    ];

    [Theory]
    [MemberData(nameof(Found), DisableDiscoveryEnumeration = true)]
    public void Find_OneValueThatFits_IsTaken(string text)
    {
        var violations = AnswerJson.Find(text, Schema(Stars), out var value);

        Assert.True(violations.Count == 0, $"{text}: {string.Join("; ", violations)}");
        Assert.Equal(5, value.GetProperty("stars").GetInt32());
    }

    public static TheoryData<string, string> NotFound => new()
    {
        { "", "it is not JSON" },
        { "Five stars.", "it is not JSON" },
        { "<think>{\"stars\":5}</think>", "it is not JSON" },
        { "<think>{\"stars\":5}</think>\nFive.", "it is not JSON" },
        { "{\"stars\":5} or {\"stars\":4}", "it holds 2 different JSON values that fit" },
        { "```json\n{\"stars\":5}\n```\nor\n```json\n{\"stars\":4}\n```", "it holds 2 different JSON values that fit" },
        { "{\"star\":5} or {\"starz\":4}", "it holds 2 JSON values, and none of them fits; the first: " },
        { "So: {\"star\":5}", "stars" },
        { "[{\"stars\":5}]", "" },
        { "\"five\"", "" },

        // A part of what is broken or cut off could fit by chance.
        { "{\"best\":{\"stars\":5},", "it is not JSON" },
        { "Here: {\"best\":{\"stars\":5},\"worst\":", "it is not JSON" },
        { "{\"best\":{\"stars\":5}, oops}", "it is not JSON" },
        { "[{\"stars\":5}, oops]", "it is not JSON" },
    };

    [Theory]
    [MemberData(nameof(NotFound), DisableDiscoveryEnumeration = true)]
    public void Find_NoValueOrSeveral_SaysSo(string text, string says)
    {
        var violations = AnswerJson.Find(text, Schema(Stars), out _);

        Assert.NotEmpty(violations);
        Assert.Contains(says, violations[0], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{ "type": "string" }""", "\"{\\\"a\\\":1}\"", "\"{\\\"a\\\":1}\"")]
    [InlineData("""{ "type": "string" }""", "\"a </think> b\"", "\"a </think> b\"")]
    [InlineData("""{ "type": "integer" }""", "```\n5\n```", "5")]
    [InlineData("""{ "type": "integer" }""", "<think>or 4</think>5", "5")]
    [InlineData("""{ "type": "boolean" }""", "```true```", "true")]
    [InlineData("""{ "type": "array" }""", "See [the list]: [1,2]", "[1,2]")]
    [InlineData("""{ "type": "object" }""", "Use:\n```json\n{\"code\":\"```js\\nf()\\n```\"}\n```", "{\"code\":\"```js\\nf()\\n```\"}")]
    [InlineData("""{ "type": "object" }""", "{\"code\":\"<think>a</think>\"}", "{\"code\":\"<think>a</think>\"}")]
    public void Find_OtherTypes_AreFoundToo(string schema, string text, string expected)
    {
        Assert.Empty(AnswerJson.Find(text, Schema(schema), out var value));

        Assert.Equal(expected, value.GetRawText());
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[")]
    [InlineData("{\"a\":")]
    [InlineData("[\"a\",")]
    [InlineData("```{")]
    [InlineData("{} ")]
    [InlineData("</think>")]
    [InlineData("<think>{\"a\":1}</think>")]
    public void Find_HostileRepetition_Ends(string part) =>
        Assert.NotEmpty(AnswerJson.Find("x" + string.Concat(Enumerable.Repeat(part, 100_000)), Schema(Stars), out _));

    private static JsonSchema Schema(string json) => JsonSchema.TryParse(JsonElement.Parse(json), out var schema, out _) ? schema : throw new ArgumentException(json);
}
