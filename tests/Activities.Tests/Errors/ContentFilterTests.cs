using System.Text.Json.Nodes;
using Polyphony.Activities.Providers.OpenAI;
using Polyphony.Core.Definitions;
using Polyphony.Core.Runs;
using Polyphony.TestKit.OpenAI;

namespace Polyphony.Activities.Tests.Errors;

/// <summary>What Azure OpenAI's content filter says beside an error or an answer reaches the error of the agent, on both routes.</summary>
[Trait("Row", "H18")]
[Trait("Row", "C10")]
public sealed class ContentFilterTests
{
    private const string Safe = """
        "hate": { "filtered": false, "severity": "safe" }, "self_harm": { "filtered": false, "severity": "low" }, "jailbreak": { "filtered": false, "detected": false }
        """;

    public static TheoryData<string?, string, string> RefusedPrompts() => OnBothRoutes(
        ($$$"""{ {{{Safe}}}, "violence": { "filtered": true, "severity": "medium" } }""", "The provider filtered violence (medium) in the prompt. HTTP 400, content_filter: "),
        ($$$"""{ {{{Safe}}}, "sexual": { "filtered": true, "severity": "high" }, "self_harm_2": { "filtered": true, "severity": "low" } }""", "filtered sexual (high), self harm 2 (low) in the prompt. "),
        ("""{ "jailbreak": { "filtered": true, "detected": true }, "indirect_attack": { "filtered": false, "detected": true } }""", "filtered jailbreak (detected) in the prompt. "),
        ("""{ "custom_blocklists": { "filtered": true, "details": [{ "id": "names", "filtered": true }, { "id": "places", "filtered": false }] } }""", "filtered custom blocklists (names) in the prompt. "),
        ("""{ "custom_blocklists": [{ "id": "names", "filtered": true }] }""", "filtered custom blocklists (names) in the prompt. "),
        ("""{ "profanity": { "filtered": true } }""", "filtered profanity in the prompt. "));

    [Theory]
    [MemberData(nameof(RefusedPrompts))]
    public async Task Agent_PromptIsRefused_SaysWhichCategory(string? version, string results, string says)
    {
        var error = await ErrorAsync(version, Refused("innererror", "content_filter_result", results));

        Assert.Equal((ErrorCodes.ContentFilter, ErrorKind.Terminal), (error.Code, error.Kind));
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
        Assert.Contains("content management policy", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Agent_PromptIsRefusedInTheOtherSpelling_SaysWhichCategory() => Assert.Contains(
        "filtered hate (high) in the prompt. ",
        (await ErrorAsync("2024-10-21", Refused("inner_error", "content_filter_results", """{ "hate": { "filtered": true, "severity": "high" } }"""))).Message,
        StringComparison.Ordinal);

    public static TheoryData<string?, string, string> RefusedAnswers() => OnBothRoutes(
        ($$$"""
          "choices": [{ "index": 0, "finish_reason": "content_filter", "message": { "role": "assistant", "content": "He took" },
            "content_filter_results": { {{{Safe}}}, "violence": { "filtered": true, "severity": "high" } } }],
          "prompt_filter_results": [{ "prompt_index": 0, "content_filter_results": { {{{Safe}}} } }]
          """, "refused to answer: it filtered violence (high) in the answer"),
        ("""
          "choices": [{ "index": 0, "finish_reason": "content_filter", "message": { "role": "assistant" },
            "content_filter_results": { "protected_material_text": { "filtered": true, "detected": true },
              "protected_material_code": { "filtered": true, "detected": true, "citation": { "URL": "https://example.com", "license": "MIT" } } } }]
          """, "it filtered protected material text (detected), protected material code (detected) in the answer"),
        ("""
          "choices": [{ "index": 0, "finish_reason": "content_filter", "message": { "role": "assistant", "content": null },
            "content_filter_results": { "hate": { "filtered": true, "severity": "low" }, "custom_topics": { "filtered": true, "details": [{ "id": "prices", "detected": true }] } } }],
          "prompt_filter_results": [{ "prompt_index": 0, "content_filter_results": { "jailbreak": { "filtered": true, "detected": true } } }]
          """, "it filtered jailbreak (detected) in the prompt; hate (low), custom topics (prices) in the answer"),
        ("""
          "choices": [{ "index": 0, "finish_reason": "content_filter", "message": { "role": "assistant", "content": "" },
            "content_filter_results": { "protected_material_text": { "filtered": false, "detected": true } } }]
          """, "it filtered protected material text (detected) in the answer"),
        ("""
          "choices": [{ "index": 0, "finish_reason": "content_filter", "message": { "role": "assistant", "content": "" },
            "content_filter_results": { "error": { "code": "content_filter_error", "message": "The contents are not filtered" } } }]
          """, "refused to answer: content filter"));

    [Theory]
    [MemberData(nameof(RefusedAnswers))]
    public async Task Agent_AnswerIsFiltered_SaysWhichCategory(string? version, string members, string says)
    {
        var error = await ErrorAsync(version, Completion(members));

        Assert.Equal((ErrorCodes.ContentFilter, ErrorKind.Terminal), (error.Code, error.Kind));
        Assert.EndsWith(says, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Row", "B2")]
    public async Task Agent_FilteredAnswerDeliveredAgain_HasTheSameErrorFromTheLedger()
    {
        await using var server = await FakeOpenAIServer.StartAsync(Completion("""
            "choices": [{ "index": 0, "finish_reason": "content_filter", "message": { "role": "assistant", "content": "" },
              "content_filter_results": { "violence": { "filtered": true, "severity": "medium" } } }]
            """));
        var harness = Harness(server, "2024-10-21");

        var first = await harness.AgentAsync(harness.Call(), TestContext.Current.CancellationToken);
        var again = await harness.AgentAsync(harness.Call(), TestContext.Current.CancellationToken);

        Assert.True(again.FromLedger);
        Assert.Equal(first.Error, again.Error);
        Assert.Single(server.Requests);
    }

    [Theory]
    [InlineData("""{ "error": { "code": "content_filter", "message": "no", "innererror": "none" } }""", ErrorCodes.ContentFilter)]
    [InlineData("""{ "error": { "code": "content_filter", "message": "no", "innererror": { "content_filter_result": [1, "x"] } } }""", ErrorCodes.ContentFilter)]
    [InlineData("""{ "error": { "code": "content_filter", "message": "no", "innererror": { "content_filter_result": { "hate": 7, "violence": null, "x": { "filtered": "yes" } } } } }""", ErrorCodes.ContentFilter)]
    [InlineData("""{ "error": { "code": "content_filter", "message": "no", "innererror": null } }""", ErrorCodes.ContentFilter)]
    [InlineData("""{ "error": "content_filter", "innererror": { "content_filter_result": {} } }""", ErrorCodes.ContentFilter)]
    [InlineData("""{ "error": ["content_filter"] }""", ErrorCodes.ContentFilter)]
    [InlineData("<html>no</html>", ErrorCodes.BadRequest)]
    [InlineData("", ErrorCodes.BadRequest)]
    public async Task Agent_ErrorBodyOfAnotherShape_KeepsItsCode(string body, string code)
    {
        var error = await ErrorAsync("2024-10-21", new FakeOpenAIAnswer { Status = 400, Body = body });

        Assert.Equal((code, ErrorKind.Terminal), (error.Code, error.Kind));
        Assert.DoesNotContain("The provider filtered", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""[{ "prompt_index": 0, "content_filter_results": "none" }]""", """{ "hate": { "filtered": 1 }, "violence": [], "x": null }""")]
    [InlineData("""{ "hate": { "filtered": true } }""", "[]")]
    [InlineData("""[7, null, "x"]""", "null")]
    public async Task Agent_AnnotationsOfAnotherShape_AreNoReason(string prompt, string answer)
    {
        var error = await ErrorAsync("2024-10-21", Completion($$"""
            "choices": [{ "index": 0, "finish_reason": "content_filter", "message": { "role": "assistant", "content": "" }, "content_filter_results": {{answer}} }],
            "prompt_filter_results": {{prompt}}
            """));

        Assert.Equal(ErrorCodes.ContentFilter, error.Code);
        Assert.EndsWith("refused to answer: content filter", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Agent_ManyLongCategories_AreCutAndShowNoControlCharacters()
    {
        var results = new JsonObject();
        for (var i = 0; i < 100; i++)
        {
            results[$"category_{i}\u001b[31m{new string('x', 500)}"] = new JsonObject { ["filtered"] = true, ["severity"] = "me\ndium" };
        }

        var error = await ErrorAsync("2024-10-21", Refused("innererror", "content_filter_result", results.ToJsonString()));

        Assert.StartsWith("The provider filtered category 0 [31mxxx", error.Message, StringComparison.Ordinal);
        Assert.InRange(error.Message.Length, 300, 1000);
        Assert.DoesNotContain(error.Message, char.IsControl);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("2024-10-21")]
    public async Task Agent_AnswerWithHarmlessAnnotations_IsAnAnswer(string? version)
    {
        await using var server = await FakeOpenAIServer.StartAsync(Completion($$$"""
            "choices": [{ "index": 0, "finish_reason": "stop", "message": { "role": "assistant", "content": "Fine." }, "content_filter_results": { {{{Safe}}} } }],
            "prompt_filter_results": [{ "prompt_index": 0, "content_filter_results": { "jailbreak": { "filtered": false, "detected": true } } }]
            """));
        var harness = Harness(server, version);

        var result = await harness.AgentAsync(harness.Call(), TestContext.Current.CancellationToken);

        Assert.Equal("Fine.", result.Output!.Json!.Value.GetString());
    }

    private static TheoryData<string?, string, string> OnBothRoutes(params (string Json, string Says)[] cases)
    {
        var data = new TheoryData<string?, string, string>();
        foreach (var (json, says) in cases)
        {
            data.Add(null, json, says);
            data.Add("2024-10-21", json, says);
        }

        return data;
    }

    private static async Task<CallError> ErrorAsync(string? version, FakeOpenAIAnswer answer)
    {
        await using var server = await FakeOpenAIServer.StartAsync(answer);
        var harness = Harness(server, version);

        var error = (await harness.AgentAsync(harness.Call(), TestContext.Current.CancellationToken)).Error;

        Assert.StartsWith(version is null ? "/openai/v1/" : "/openai/deployments/", Assert.Single(server.Requests).Target, StringComparison.Ordinal);
        return error!;
    }

    private static ActivityHarness Harness(FakeOpenAIServer server, string? version) =>
        new(new AzureOpenAIProvider(name => name == "AZURE_OPENAI_ENDPOINT" ? server.Resource.ToString() : "azure-key")
            .GetClient(new ModelDefinition { Name = "fast", Provider = "azure-openai", Model = "my-gpt", ApiVersion = version }));

    private static FakeOpenAIAnswer Refused(string inner, string member, string results) => new()
    {
        Status = 400,
        Body = $$"""
            { "error": { "message": "The response was filtered due to the prompt triggering the content management policy.", "type": null, "param": "prompt", "code": "content_filter", "status": 400,
              "{{inner}}": { "code": "ResponsibleAIPolicyViolation", "{{member}}": {{results}} } } }
            """,
    };

    private static FakeOpenAIAnswer Completion(string members) => new()
    {
        Body = $$"""
            { "id": "chatcmpl-1", "object": "chat.completion", "created": 1767225600, "model": "gpt-test", "usage": { "prompt_tokens": 11, "completion_tokens": 0, "total_tokens": 11 }, {{members}} }
            """,
    };
}
