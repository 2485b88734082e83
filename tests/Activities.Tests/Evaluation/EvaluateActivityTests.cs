using System.Security.Cryptography;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;
using Polyphony.TestKit.Chat;

namespace Polyphony.Activities.Tests.Evaluation;

[Trait("Row", "O6")]
public sealed class EvaluateActivityTests
{
    private const string Workflow = """
        name: sample
        input: { type: object, properties: { topic: { type: string } } }
        models: { fast: { provider: offline } }
        agents: { writer: { model: fast, instructions: "About {{ nodes.list.output[0] }}." } }
        nodes:
          list: { transform: [1, 2] }
          other: { transform: "{{ input.topic }}" }
          draft: { agent: writer, prompt: "{{ nodes.other.output }}" }
          last: { transform: { count: "{{ nodes.list.output.size() }}", all: "{{ nodes }}", run: "{{ instance.id }}/{{ workflow.name }}/{{ round }}" } }
        edges:
          - list -> other -> draft
          - { from: draft, to: last, when: "nodes.list.output.size() > 1" }
        output: { statuses: "{{ nodes.draft.status }}", error: "{{ nodes.draft.error }}", errors: "{{ nodes.draft.errors }}" }
        """;

    private readonly ActivityHarness _harness = new(new ScriptedChatClient("x"), workflow: Workflow);

    [Fact]
    [Trait("Row", "S8")]
    public async Task Evaluate_ConditionOverAStoredValue_ReadsThroughAndLoadsNothingElse()
    {
        var list = await _harness.StoredAsync("[1,2,3]");
        var lost = new Payload { Reference = new PayloadReference(new string('0', 64), 9, "string") };
        var scope = Scope("last", ("list", "completed", list), ("other", "completed", lost));

        var result = await _harness.EvaluateAsync(new EvaluateCall(new ExpressionSite(ExpressionSiteKind.When, 2), scope));

        Assert.Equal("true", result.Value!.Json!.Value.GetRawText());
        Assert.Equal(1, _harness.Payloads.Reads);
    }

    [Fact]
    [Trait("Row", "O6")]
    public async Task Evaluate_EdgeWithoutCondition_IsTaken() => Assert.Equal(
        "true", (await _harness.EvaluateAsync(new EvaluateCall(new ExpressionSite(ExpressionSiteKind.When, 0), Scope("other")))).Value!.Json!.Value.GetRawText());

    [Fact]
    [Trait("Row", "S9")]
    public async Task Evaluate_Transform_SeesAllVariables()
    {
        var scope = Scope("last", ("list", "completed", ActivityHarness.Inline("[1,2]")), ("draft", "skipped", null)) with { Round = 3 };

        var result = await _harness.EvaluateAsync(new EvaluateCall(new ExpressionSite(ExpressionSiteKind.Transform), scope));

        Assert.True(System.Text.Json.JsonElement.DeepEquals(
            ActivityHarness.Json("""
                {"count":2,"run":"run-1/sample/3","all":{
                  "list":{"output":[1,2],"status":"completed","error":null,"errors":[]},
                  "draft":{"output":null,"status":"skipped","error":null,"errors":[]}}}
                """),
            result.Value!.Json!.Value));
    }

    [Fact]
    [Trait("Row", "C10")]
    public async Task Evaluate_Output_SeesErrors()
    {
        var scope = Scope("") with
        {
            Nodes = new Dictionary<string, NodeValue>
            {
                ["draft"] = new() { Status = "failed", Error = new CallError("timeout", "late", ErrorKind.Transient), Errors = ActivityHarness.Inline("""[{"index":0,"code":"timeout","message":"late"}]""") },
            },
        };

        var result = await _harness.EvaluateAsync(new EvaluateCall(new ExpressionSite(ExpressionSiteKind.Output), scope));

        Assert.True(System.Text.Json.JsonElement.DeepEquals(
            ActivityHarness.Json("""{"statuses":"failed","error":{"code":"timeout","message":"late"},"errors":[{"index":0,"code":"timeout","message":"late"}]}"""),
            result.Value!.Json!.Value));
    }

    [Fact]
    [Trait("Row", "S8")]
    public async Task Evaluate_LargeValue_IsStored()
    {
        var text = new string('y', 100_000);
        var scope = Scope("other") with { Input = await _harness.StoredAsync($$"""{"topic":"{{text}}"}""") };

        var result = await _harness.EvaluateAsync(new EvaluateCall(new ExpressionSite(ExpressionSiteKind.Transform), scope));

        Assert.Equal(("string", 100_002L), (result.Value!.Reference!.Type, result.Value.Reference.Bytes));
    }

    [Fact]
    [Trait("Row", "C10")]
    public async Task Evaluate_WhatFails_IsAClassifiedError()
    {
        var result = await _harness.EvaluateAsync(new EvaluateCall(new ExpressionSite(ExpressionSiteKind.Transform), Scope("other") with { Input = ActivityHarness.Inline("3") }));
        var unknown = await _harness.EvaluateAsync(new EvaluateCall(new ExpressionSite(ExpressionSiteKind.Transform), Scope("draft")));
        var noDefinition = await _harness.EvaluateAsync(new EvaluateCall(new ExpressionSite(ExpressionSiteKind.Output), Scope("") with { DefinitionHash = "nope" }));

        Assert.Equal((ErrorCodes.ExpressionError, ErrorKind.Terminal), (result.Error!.Code, result.Error.Kind));
        Assert.Contains("expression_site_unknown", unknown.Error!.Message, StringComparison.Ordinal);
        Assert.Contains("definition_not_found", noDefinition.Error!.Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Row", "S8")]
    public void References_OfAPrompt_IncludeTheInstructions() => Assert.Equal(
        ["nodes.list.output", "nodes.other.output"],
        ExpressionSites.References(_harness.Definition, "draft", new ExpressionSite(ExpressionSiteKind.Prompt)).Select(reference => reference.ToString()).Order(StringComparer.Ordinal));

    [Fact]
    [Trait("Row", "H5")]
    public async Task Fail_WithoutMarker_ThrowsTheErrorsCode()
    {
        var exception = await Assert.ThrowsAsync<PolyphonyException>(() => _harness.FailAsync(new FailCall("run-1", 1, new WorkflowError("draft", "timeout", "It took too long."))));

        Assert.Equal(("timeout", "draft: It took too long."), (exception.Code, exception.Message));
    }

    [Fact]
    [Trait("Row", "H5")]
    public async Task Fail_WithTheMarkerOfThisFailure_Returns()
    {
        var call = new FailCall("run-1", 2, new WorkflowError("draft", "timeout", "late"));
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(call.RewindMarker)), await _harness.Payloads.PutAsync("run-1", call.RewindMarker, TestContext.Current.CancellationToken));

        await _harness.FailAsync(call);
        await Assert.ThrowsAsync<PolyphonyException>(() => _harness.FailAsync(call with { Count = 3 }));
    }

    private CallScope Scope(string node, params (string Name, string Status, Payload? Output)[] nodes) => _harness.Scope(node) with
    {
        Nodes = nodes.ToDictionary(entry => entry.Name, entry => new NodeValue { Status = entry.Status, Output = entry.Output }),
    };
}
