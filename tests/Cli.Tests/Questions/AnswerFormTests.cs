using System.Text.Json;
using Polyphony.Cli.Questions;
using Polyphony.Http.Approvals;

namespace Polyphony.Cli.Tests.Questions;

/// <summary>Answers that are asked for field by field.</summary>
[Trait("Row", "O10")]
[Trait("Row", "H10")]
public sealed class AnswerFormTests
{
    private const string ToolForm = """
        {"type":"object","required":["decision"],"additionalProperties":false,"properties":{"decision":{"enum":["approve","refuse"]},
        "arguments":{"type":"object","required":["path"],"properties":{"path":{"type":"string"},"lines":{"type":"integer"}}},"reason":{"type":"string"}}}
        """;

    /// <summary>One field of each kind: wrong lines are said to be wrong and asked again, and the answer is the last one.</summary>
    [Theory]
    [InlineData("""{"type":"boolean"}""", "maybe|2", "false", "Expected a number from 1 to 2, or true or false; found \"maybe\".")]
    [InlineData("""{"type":"boolean"}""", "yes", "true", "1) true")]
    [InlineData("""{"enum":["red","green"]}""", "3|GREEN", "\"green\"", "Expected a number from 1 to 2, or red or green; found \"3\".")]
    [InlineData("""{"enum":[3,1]}""", "2|1", "1", "Expected 3 or 1; found \"2\".")]
    [InlineData("""{"const":"ok"}""", "1", "\"ok\"", "1) ok")]
    [InlineData("""{"oneOf":[{"const":"a","title":"All of it"},{"const":"b"}]}""", "1", "\"a\"", "1) a: All of it")]
    [InlineData("""{"type":"integer","minimum":1}""", "x|1.5|0|7", "7", "It must be a whole number; found \"x\".")]
    [InlineData("""{"type":"number"}""", "2.50", "2.50", "number; required")]
    [InlineData("""{"type":"string","maxLength":3}""", "long|abc", "\"abc\"", "  ! ")]
    [InlineData("""{"type":"string"}""", "|\"\"", "\"\"", "An answer is required; an empty string is written \"\".")]
    [InlineData("""{"type":"string","default":"blue"}""", "", "\"blue\"", "Enter takes blue")]
    [InlineData("""{"$ref":"#/$defs/c","$defs":{"c":{"type":"integer","description":"How many"}}}""", "5", "5", "How many")]
    [InlineData("""{"type":"array","minItems":1,"items":{"type":"integer"}}""", "|x|1|2|", "[1,2]", "The list begins again.")]
    [InlineData("""{"type":"array","items":{"enum":["a","b"]}}""", "2|a|", "[\"b\",\"a\"]", "One item a line (a or b)")]
    [InlineData("""{"type":"object","required":["x"],"properties":{"x":{"type":"integer"}}}""", "{|\"x\":|1}", "{\"x\":1}", "As JSON; it may take several lines.")]
    [InlineData("""{"anyOf":[{"type":"integer"},{"type":"object"}]}""", "abc|3", "3", "A string is written with quotes.")]
    [InlineData("{}", "plain words", "\"plain words\"", "any JSON, or a text")]
    public async Task Ask_FieldOfEachKind_RepeatsUntilItFits(string schema, string entered, string expected, string shown)
    {
        var lines = new ScriptedLines([.. entered.Split('|'), "yes"]);
        var whole = schema.Contains("$defs", StringComparison.Ordinal)
            ? $$"""{"type":"object","required":["f"],"properties":{"f":{"$ref":"#/$defs/c"} },"$defs":{"c":{"type":"integer","description":"How many"} } }"""
            : $$"""{"type":"object","required":["f"],"properties":{"f":{{schema}} } }""";

        var answer = await new AnswerForm(lines).AskAsync(Question(whole), TestContext.Current.CancellationToken);

        Assert.Equal($$"""{"f":{{expected}}}""", JsonSerializer.Serialize(answer));
        Assert.Contains(shown, lines.Shown, StringComparison.Ordinal);
        Assert.Equal(0, lines.Left);
    }

    [Fact]
    public async Task Ask_OptionalField_EnterLeavesItOut()
    {
        var lines = new ScriptedLines("", "", "");
        var answer = await new AnswerForm(lines).AskAsync(
            Question("""{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"array","items":{"type":"string"}}}}"""), TestContext.Current.CancellationToken);

        Assert.Equal("{}", JsonSerializer.Serialize(answer));
        Assert.Contains("a (string; Enter leaves it out)", lines.Shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ask_WholeThatDoesNotFit_AsksAgainAndKeepsWhatWasEntered()
    {
        var lines = new ScriptedLines("1", "", "", "x", "yes");
        var answer = await new AnswerForm(lines).AskAsync(
            Question("""{"type":"object","required":["a"],"properties":{"a":{"type":"integer"},"b":{"type":"string"}},"dependentRequired":{"a":["b"]}}"""), TestContext.Current.CancellationToken);

        Assert.Equal("""{"a":1,"b":"x"}""", JsonSerializer.Serialize(answer));
        Assert.Contains("The answer as a whole does not fit.", lines.Shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ask_NoSchemaOrNoObject_AsksForOneValue()
    {
        var free = new ScriptedLines("Give them their money back.", "");
        Assert.Equal("\"Give them their money back.\"", JsonSerializer.Serialize(await new AnswerForm(free).AskAsync(Question(null), TestContext.Current.CancellationToken)));
        var number = new ScriptedLines("no", "3", "change", "4", "yes");
        Assert.Equal("4", JsonSerializer.Serialize(await new AnswerForm(number).AskAsync(Question("""{"type":"integer"}"""), TestContext.Current.CancellationToken)));
        Assert.Contains("Enter takes 3", number.Shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ask_EndOfInputOrNo_GivesNothing()
    {
        const string Schema = """{"type":"object","required":["a"],"properties":{"a":{"type":"string"}}}""";
        await Assert.ThrowsAsync<FormEndedException>(() => new AnswerForm(new ScriptedLines()).AskAsync(Question(Schema), TestContext.Current.CancellationToken));
        await Assert.ThrowsAsync<FormEndedException>(() => new AnswerForm(new ScriptedLines("x")).AskAsync(Question(Schema), TestContext.Current.CancellationToken));
        Assert.Null(await new AnswerForm(new ScriptedLines("x", "n")).AskAsync(Question(Schema), TestContext.Current.CancellationToken));
    }

    [Theory]
    [Trait("Row", "O17")]
    [InlineData("approve|yes", """{"decision":"approve"}""")]
    [InlineData("refuse|Not this one.|yes", """{"decision":"refuse","reason":"Not this one."}""")]
    [InlineData("2|b.md|x|5|yes", """{"decision":"approve","arguments":{"path":"b.md","lines":5}}""")]
    [InlineData("change|||yes", """{"decision":"approve"}""")]
    public async Task Ask_ToolCall_AsksWhatTheDecisionNeeds(string entered, string expected)
    {
        var lines = new ScriptedLines(entered.Split('|'));
        var question = Question(ToolForm) with { Tool = "read_file", Arguments = JsonElement.Parse("""{"path":"a.md"}""") };

        Assert.Equal(expected, JsonSerializer.Serialize(await new AnswerForm(lines).AskAsync(question, TestContext.Current.CancellationToken)));
        Assert.Equal(0, lines.Left);
    }

    private static Approval Question(string? schema) => new()
    {
        InstanceId = "i",
        Workflow = "w",
        Activation = "ask",
        Prompt = "May it?",
        Schema = schema is null ? null : JsonElement.Parse(schema),
        EventName = "answer:ask",
        AnswerPostUri = "",
    };
}
