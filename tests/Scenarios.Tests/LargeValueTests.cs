using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Polyphony.Core.Client;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;

namespace Polyphony.Scenarios.Tests;

/// <summary>Values of any size and depth that is taken, at every place where one comes in; and what is more than a message may be ends an activation and not the run.</summary>
[Trait("Row", "S8")]
public sealed class LargeValueTests
{
    private const string Ask = """
        name: ask
        nodes: { ask: { human: { prompt: "Paste it.", schema: { type: [string, object, array] } } } }
        output: "{{ size(nodes.ask.output) }}"
        """;

    [Theory]
    [InlineData(100)]
    [InlineData(5_000)]
    [InlineData(32 * 1024 - 2)]
    [InlineData(32 * 1024)]
    [InlineData(48 * 1024)]
    [InlineData(60_000)]
    [InlineData(1_000_000)]
    public async Task Answer_OfAnySize_IsTaken(int length)
    {
        await using var host = await TestHost.StartAsync();
        var id = await host.StartAsync(Ask);
        await host.UntilAsync(id, Waits);

        await host.Client.RaiseEventAsync(id, "answer:ask", TestHost.Json(new string('x', length)));

        Assert.Equal(length, (await host.WaitAsync(id)).Output!.Value.GetInt32());
    }

    // Not by the client of workflows, but straight to the engine, which takes 48 KB: more than one call of an activity carries.
    [Theory]
    [InlineData(40 * 1024)]
    [InlineData(48 * 1024 - 2)]
    public async Task Event_AsLargeAsAMessageMayBe_IsTaken(int length)
    {
        await using var host = await TestHost.StartAsync();
        const string Odd = "é\\\"😀\n";
        var quotes = (length / 2) - 100;
        var text = Odd + new string('"', quotes);
        text += new string('x', length - Encoding.UTF8.GetByteCount(RelaxedJson(text)));
        var id = await host.StartAsync("""
            name: event
            nodes: { on: { wait: { event: pasted } } }
            output: "{{ nodes.on.output }}"
            """);
        await host.UntilAsync(id, Waits);
        await host.Engine.Client.RaiseEventAsync(id, "pasted", RelaxedJson(text));

        Assert.Equal(text, (await host.WaitAsync(id)).Output!.Value.GetString());
    }

    [Fact]
    public async Task Answer_ByReferenceThatDoesNotFit_IsPassedOver()
    {
        await using var host = await TestHost.StartAsync();
        var id = await host.StartAsync("""
            name: ask
            nodes: { ask: { human: { prompt: "Paste it.", schema: { type: object, required: [text] }, rejectWhen: "answer.text.startsWith('no')" } } }
            output: "{{ size(nodes.ask.output.text) }}"
            """);
        await host.UntilAsync(id, Waits);

        await host.Client.RaiseEventAsync(id, "answer:ask", TestHost.Json(new { other = new string('x', 100_000) }));
        await host.Client.RaiseEventAsync(id, "answer:ask", TestHost.Json(new { text = new string('y', 100_000) }));

        Assert.Equal(100_000, (await host.WaitAsync(id)).Output!.Value.GetInt32());
    }

    [Fact]
    public async Task Answer_ThatLooksLikeAReference_IsTheValueThatItIs()
    {
        await using var host = await TestHost.StartAsync();
        var secret = await host.Engine.Payloads.PutAsync("other", Encoding.UTF8.GetBytes("\"secret\""));
        var forged = EventPayload.Write(new Payload { Reference = new PayloadReference(secret, 8, "string") });
        var id = await host.StartAsync(Ask.Replace("{{ size(nodes.ask.output) }}", "{{ nodes.ask.output }}", StringComparison.Ordinal));
        await host.UntilAsync(id, Waits);

        await host.Client.RaiseEventAsync(id, "answer:ask", JsonElement.Parse(forged));

        Assert.Equal(forged, (await host.WaitAsync(id)).Output!.Value.GetRawText());
    }

    [Theory]
    [InlineData(33)]
    [InlineData(62)]
    [InlineData(64)]
    public async Task Value_AsDeepAsIsTaken_ComesInAndIsShown(int depth)
    {
        await using var host = await TestHost.StartAsync();
        var deep = JsonElement.Parse(Nested(depth));
        var id = await host.StartAsync(
            """
            name: deep
            input: {}
            models: { m: { provider: offline } }
            agents: { a: { model: m, output: {}, context: [] } }
            nodes:
              same: { transform: "{{ input }}" }
              model: { agent: a, prompt: "{{ nodes.same.output }}" }
              ask: { human: { prompt: "{{ nodes.model.output }}" } }
              event: { wait: { event: more } }
            edges: [same -> model -> ask -> event]
            output: "{{ nodes.event.output }}"
            """,
            deep);
        await host.UntilAsync(id, Waits);
        await host.Client.RaiseEventAsync(id, "answer:ask", deep);
        await host.Client.RaiseEventAsync(id, "more", deep);

        var status = await host.WaitAsync(id);

        Assert.Equal("completed", status.Reason());
        Assert.Empty(status.Unreadable);
        Assert.Equal(deep.GetRawText(), status.Input!.Value.GetRawText());
        Assert.Equal(deep.GetRawText(), status.Output!.Value.GetRawText());
        Assert.All(status.Outcomes!, outcome => Assert.Equal(deep.GetRawText(), outcome.Result!.Value.GetRawText()));
    }

    [Theory]
    [InlineData(63, "completed")]
    [InlineData(64, "failed")]
    public async Task List_OfResultsThatIsTooDeep_FailsItsNode(int depth, string reason)
    {
        await using var host = await TestHost.StartAsync();

        var status = await host.RunAsync(
            """
            name: deep
            input: {}
            nodes: { each: { forEach: "{{ [1, 2] }}", transform: "{{ input }}" } }
            output: "{{ size(nodes.each.output) }}"
            """,
            JsonElement.Parse(Nested(depth)));

        Assert.Equal(reason, status.Reason());
        if (depth == 64)
        {
            Assert.Contains("nested deeper than 64 levels", status.Error!.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Value_DeeperThanIsTaken_IsRefusedAtTheDoor()
    {
        await using var host = await TestHost.StartAsync();
        var deep = JsonElement.Parse(Nested(65), JsonLimits.Document);
        var id = await host.StartAsync(Ask);
        await host.UntilAsync(id, Waits);

        await Assert.ThrowsAsync<InvalidJsonException>(() => host.Client.RaiseEventAsync(id, "answer:ask", deep));
        await Assert.ThrowsAsync<InvalidJsonException>(() => host.Client.RaiseEventAsync(id, "answer:ask", JsonElement.Parse("""{"a":"\ud83d"}""")));
        await Assert.ThrowsAsync<InvalidJsonException>(() => host.StartAsync(Ask, deep));
    }

    [Fact]
    public async Task Answer_OfAModelThatIsTooDeep_FailsThatCall()
    {
        await using var host = await TestHost.StartAsync();
        host.Models.Respond = (_, _, _, _) => Task.FromResult(TestModels.Text(Nested(65)));

        var status = await host.RunAsync("""
            name: deep
            models: { m: { provider: offline } }
            agents: { a: { model: m, output: {} } }
            nodes: { a: { agent: a, prompt: Go., onError: { value: "{{ error.code }}: {{ error.message }}" } } }
            output: "{{ nodes.a.output }}"
            """);

        Assert.StartsWith("output_invalid: ", status.Output!.Value.GetString(), StringComparison.Ordinal);
        Assert.Contains("nested deeper than 64 levels", status.Output!.Value.GetString(), StringComparison.Ordinal);
    }

    // Every kind of node with more than a message holds, or with an error that is longer than one.
    [Theory]
    [InlineData("transform", """big: { transform: "{{ input.text }}" }""", "120000")]
    [InlineData("forEach", """big: { forEach: "{{ input.list }}", transform: "{{ item + input.text }}" }""", "3")]
    [InlineData("tool", """big: { tool: { name: echo, arguments: { text: "{{ input.text }}" } } }""", "120000")]
    [InlineData("tool fails", """big: { tool: { name: fail, arguments: { text: "{{ input.text }}" } }, onError: { value: "{{ error.message }}" } }""", "1991")]
    [InlineData("agent", """big: { agent: a, prompt: "{{ input.text }}" }""", "120000")]
    [InlineData("sub-workflow", """big: { workflow: inner, input: { text: "{{ input.text }}" } }""", "120000")]
    [InlineData("expression fails", """big: { transform: "{{ int(input.text) }}", onError: { value: "{{ error.message }}" } }""", null)]
    [InlineData("until", """big: { wait: { until: "{{ input.text }}" }, onError: { value: "{{ error.message }}" } }""", null)]
    public async Task Node_OfAnyKindWithALargeValue_DoesNotEndTheRun(string kind, string node, string? size)
    {
        await using var host = await TestHost.StartAsync();
        using var hold = host.Clock.Hold();
        host.Tools.Add(AIFunctionFactory.Create((string text) => text, "echo", "Echoes."));
        host.Tools.Add(AIFunctionFactory.Create((string text) => text.Length > 0 ? throw new NotSupportedException(text) : 0, "fail", "Fails."));
        host.AddWorkflow("""
            name: inner
            input: { type: object, properties: { text: { type: string } } }
            nodes: { same: { transform: "{{ input.text }}" } }
            output: "{{ nodes.same.output }}"
            """);

        var status = await host.RunAsync(
            $$$"""
            name: large
            input: { type: object, properties: { text: { type: string }, list: { type: array, items: { type: string } } } }
            models: { m: { provider: offline } }
            agents: { a: { model: m, context: [] } }
            nodes:
              {{{node}}}
              after: { transform: "{{ size(nodes.big.output) }}" }
            edges: [big -> after]
            output: "{{ nodes.after.output }}"
            """,
            new { text = new string('x', 120_000), list = new[] { "a", "b", "c" } });

        Assert.True(status.Reason() == "completed", $"{kind}: {status.Error}");
        if (size is not null)
        {
            Assert.Equal(size, status.Output!.Value.GetRawText());
        }
    }

    [Fact]
    public async Task CustomStatus_OfAFailedRunInManyBytesALetter_StaysWithinItsLimit()
    {
        await using var host = await TestHost.StartAsync();
        using var hold = host.Clock.Hold();
        host.Tools.Add(AIFunctionFactory.Create((int n) => n >= 0 ? throw new NotSupportedException(new string('語', 5_000)) : n, "fail", "Fails."));

        var status = await host.RunAsync(
            """
            name: failed
            nodes:
              large: { transform: "{{ input.text }}" }
              ask: { forEach: "{{ [1, 2, 3, 4, 5, 6, 7, 8, 9] }}", human: { prompt: "{{ input.text }} {{ item }}" } }
              broken: { tool: { name: fail, arguments: { n: 1 } } }
            edges: [large -> broken]
            output: "{{ nodes.large.output }}"
            """,
            new { text = new string('語', 1_300) });

        Assert.Equal(OrchestrationRuntimeStatus.Failed, status.RuntimeStatus);
        Assert.Equal("tool_failed", status.Error!.Code);
        Assert.Equal(1_300, status.Output!.Value.GetString()!.Length);
        var metadata = (await host.Engine.Client.GetAsync(status.InstanceId))!;
        Assert.InRange(Encoding.UTF8.GetByteCount(metadata.CustomStatus!), 1, DurableLimits.MaxCustomStatusBytes);
    }

    [Theory]
    [InlineData(500, false)]
    [InlineData(501, true)]
    [InlineData(5_000, true)]
    [InlineData(60_000, true)]
    public async Task Question_LongerThanTheStatusShows_IsKeptWholeAndMarked(int length, bool isCut)
    {
        await using var host = await TestHost.StartAsync();
        var question = new string('q', length - 3) + "END";
        var id = await host.StartAsync("""
            name: ask
            input: { type: object, properties: { draft: { type: string } } }
            nodes: { approve: { human: { prompt: "{{ input.draft }}" } } }
            """, new { draft = question });

        var wait = Assert.Single((await host.UntilAsync(id, Waits)).CustomStatus!.WaitingFor);

        Assert.Equal(isCut, wait.Question is not null);
        Assert.Equal(isCut, wait.Prompt!.EndsWith(PendingWait.CutMark, StringComparison.Ordinal));
        Assert.InRange(wait.Prompt.Length, 1, PendingWait.MaxPromptLength);
        Assert.Equal(question, wait.Question is null ? wait.Prompt : (await host.Client.ReadAsync(wait.Question)).GetString());
    }

    [Fact]
    public async Task Status_WithALostInput_ShowsTheRest()
    {
        await using var host = await TestHost.StartAsync();
        var status = await host.RunAsync("""
            name: lost
            input: { type: object, properties: { text: { type: string } } }
            nodes: { a: { transform: "{{ size(input.text) }}" } }
            output: "{{ nodes.a.output }}"
            """, new { text = new string('x', 10_000) });
        await host.Engine.Payloads.ReleaseAsync(status.InstanceId);

        var read = (await host.Client.GetAsync(status.InstanceId))!;

        Assert.Equal(("input", "payload_not_found"), (Assert.Single(read.Unreadable).Part, read.Unreadable[0].Code));
        Assert.Equal(10_000, read.Output!.Value.GetInt32());
    }

    private static bool Waits(WorkflowStatus status) => status.CustomStatus?.WaitingFor.Count > 0;

    private static string Nested(int depth) => new StringBuilder().Insert(0, "{\"a\":", depth).Append('1').Append('}', depth).ToString();

    private static string RelaxedJson(string text) => $"\"{JsonEncodedText.Encode(text, System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";
}
