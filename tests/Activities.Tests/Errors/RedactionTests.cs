using Microsoft.Extensions.AI;
using Polyphony.Activities.Errors;
using Polyphony.Activities.Providers.OpenAI;
using Polyphony.Core.Definitions;
using Polyphony.Core.Runs;
using Polyphony.TestKit.OpenAI;

namespace Polyphony.Activities.Tests.Errors;

/// <summary>What a provider echoes of its request does not get into an error: not the key, and not the prompt.</summary>
[Trait("Row", "T6")]
public sealed class RedactionTests
{
    [Theory]
    [InlineData("Incorrect API key provided: sk-ab****wxyz.", "Incorrect API key provided: [key]")]
    [InlineData("Refused Bearer abcdef for you", "Refused [key] for you")]
    [InlineData("token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx.c2ln expired", "token [key] expired")]
    [InlineData("see https://me:secret@host/path", "see https://[key]@host/path")]
    [InlineData("GET /v1?key=AB12cd34 failed", "GET /v1?key=[key] failed")]
    [InlineData("Access denied for 0123456789abcdef0123456789abcdef", "Access denied for [key]")]
    [InlineData("the api-key: \"zz9zz9zz\" is wrong", "the api-key: \"[key]\" is wrong")]
    [InlineData("AIzaSyA1234567890 is blocked", "[key] is blocked")]
    [InlineData("Invalid API key: please check it", "Invalid API key: please check it")]
    [InlineData("max token: 128000 of 4096", "max token: 128000 of 4096")]
    [InlineData("models/accounts/fireworks/llama-v3p1-405b-instruct", "models/accounts/fireworks/llama-v3p1-405b-instruct")]
    public void Apply_WhatLooksLikeAKey_Goes(string text, string expected) => Assert.Equal(expected, Redaction.None.Apply(text));

    [Fact]
    public void Apply_Prompts_GoWholeOrInPart()
    {
        var redaction = new Redaction([], ["Write about the\nmerger of A and B in March.", "my plan", "Hi"]);

        Assert.Equal("no [prompt] here, Hi", redaction.Apply("no about the merger of A and B in here, Hi"));
        Assert.Equal("bad: [prompt].", redaction.Apply("bad: my plan."));
        Assert.Equal("the model is busy", redaction.Apply("the model is busy"));
    }

    [Theory]
    [InlineData("bad query ?q=Tell%20me%20%22please%22%2C%20the%20caf%C3%A9%20secret%20of%20March. End", "bad query ?q=[prompt]. End")]
    [InlineData("bad query ?q=Tell+me+%22please%22%2C+the+caf%C3%A9+secret+of+March&x=1", "bad query ?q=[prompt]&x=1")]
    [InlineData("said {\\\"input\\\": \\\"Tell me \\\\\\\"please\\\\\\\", the caf\\\\u00e9 secret of March.\\\"}", "said {\\\"input\\\": \\\"[prompt]\\\"}")]
    [InlineData("Bad: Tell me &quot;please&quot;, the caf&#233; secret of March", "Bad: [prompt]")]
    [InlineData("100% busy & please wait for the server", "100% busy & please wait for the server")]
    public void Apply_PromptInAnotherWriting_Goes(string text, string expected) =>
        Assert.Equal(expected, new Redaction([], ["Tell me \"please\", the café secret of March."]).Apply(text));

    [Theory]
    [InlineData(400)]
    [InlineData(401)]
    [InlineData(429)]
    [InlineData(500)]
    public async Task Agent_ServerEchoesKeyAndPrompt_NeitherIsInTheError(int status)
    {
        await using var server = await FakeOpenAIServer.StartAsync(request => FakeOpenAIAnswer.Error(
            status, "echo", $"Refused {request.Headers["Authorization"]} ({request.Headers["Authorization"]["Bearer ".Length..]}) for {request.Body.GetRawText()} because of it"));
        var harness = new ActivityHarness(new OpenAIProvider(name => name == "OPENAI_BASE_URL" ? server.Endpoint.ToString() : "sesame-open-1")
            .GetClient(new ModelDefinition { Name = "fast", Provider = "openai", Model = "gpt" }));

        var error = (await harness.AgentAsync(harness.Call(), TestContext.Current.CancellationToken)).Error!;

        Assert.Contains("HTTP " + status, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("sesame", error.Message, StringComparison.Ordinal);
        Assert.Contains("Refused", error.Message, StringComparison.Ordinal);
        Assert.Contains(Redaction.Prompt, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("about tests", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task GetResponse_ServerEchoesTheKey_IsNotInTheExceptionEither()
    {
        await using var server = await FakeOpenAIServer.StartAsync(FakeOpenAIAnswer.Error(401, "invalid_api_key", "Wrong: hunter2hunter2"));
        var client = new OpenAIProvider(name => name == "OPENAI_BASE_URL" ? server.Endpoint.ToString() : "hunter2hunter2")
            .GetClient(new ModelDefinition { Name = "fast", Provider = "openai", Model = "gpt" });

        var exception = await Assert.ThrowsAnyAsync<Exception>(() => client.GetResponseAsync([new ChatMessage(ChatRole.User, "Hi")], cancellationToken: TestContext.Current.CancellationToken));

        Assert.DoesNotContain("hunter2", exception.ToString(), StringComparison.Ordinal);
        Assert.Equal(ErrorCodes.Authentication, ErrorClassifier.Classify(exception).Code);
    }
}
