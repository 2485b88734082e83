using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Polyphony.Activities.Providers;
using Polyphony.Activities.Tools;
using Polyphony.Core.Runs;

namespace Polyphony.Scenarios.Tests.Nodes;

/// <summary>Tool calls of agents and of tool nodes in runs: approved by people, made once, and not made again by a rewind.</summary>
public sealed class ToolCallTests
{
    private const string Clerk = """
        name: shop
        models: { m: { provider: offline } }
        agents: { clerk: { model: m, context: [], tools: [{ name: refund, approval: RULE }] } }
        nodes: { refunds: { agent: clerk, prompt: "Refund 120." } }
        """;

    private readonly ConcurrentQueue<(int Amount, string Key)> _paid = new();

    [Fact]
    [Trait("Row", "O17")]
    public async Task Approval_GivenByAPerson_LetsTheToolRunAndTheModelReadItsResult()
    {
        await using var host = await StartAsync();
        var id = await host.StartAsync(Clerk.Replace("RULE", "\"args.amount > 100\"", StringComparison.Ordinal));

        var wait = await AskedAsync(host, id);
        Assert.Equal(("refunds.refund.1.0", "human", "answer:refunds.refund.1.0", "refund", null), (wait.Activation, wait.Kind, wait.EventName, wait.Tool, wait.Until));
        Assert.Equal("Call the tool \"refund\" with {\"amount\":120}?", wait.Prompt);
        Assert.Equal("waiting", (await host.Client.GetAsync(id))!.CustomStatus!.Nodes[0].Status);
        Assert.Empty(_paid);

        await AnswerAsync(host, id, wait, """{"decision":"approve"}""");
        var status = await host.WaitAsync(id);

        Assert.Equal(("completed", "refunded 120"), (status.Reason(), status.Output!.Value.GetString()));
        Assert.Equal([(120, $"{id}/refunds/1.0")], _paid);
    }

    [Theory]
    [Trait("Row", "O17")]
    [InlineData("""{"decision":"approve","arguments":{"amount":80}}""", "A person changed the arguments of this call to {\"amount\":80}.\nrefunded 80", 80)]
    [InlineData("""{"decision":"refuse","reason":"The order is too old."}""", "The call of tool \"refund\" was refused: The order is too old.", null)]
    public async Task Approval_ChangedOrRefused_IsReadByTheModel(string answer, string read, int? paid)
    {
        await using var host = await StartAsync();
        var id = await host.StartAsync(Clerk.Replace("RULE", "always", StringComparison.Ordinal));
        var wait = await AskedAsync(host, id);

        // What does not fit is passed over.
        await AnswerAsync(host, id, wait, """{"decision":"perhaps"}""");
        await AnswerAsync(host, id, wait, """{"decision":"approve","arguments":{"amount":"much"}}""");
        await AnswerAsync(host, id, wait, answer);
        var status = await host.WaitAsync(id);

        Assert.Equal(("completed", read), (status.Reason(), status.Output!.Value.GetString()));
        Assert.Equal(paid is { } amount ? [amount] : [], _paid.Select(each => each.Amount));
    }

    [Theory]
    [Trait("Row", "O17")]
    [InlineData("", "completed", "The call of tool \"refund\" was refused: timed out", 0)]
    [InlineData(", onTimeout: refuse", "completed", "The call of tool \"refund\" was refused: timed out", 0)]
    [InlineData(", onTimeout: approve", "completed", "refunded 120", 1)]
    [InlineData(", onTimeout: fail", "failed", null, 0)]
    public async Task Approval_ThatNobodyGives_EndsAsTheFileSays(string policy, string reason, string? output, int calls)
    {
        await using var host = await StartAsync();
        var status = await host.RunAsync(Clerk.Replace("RULE", $"{{ when: always, timeout: 24h{policy} }}", StringComparison.Ordinal));

        Assert.Equal((reason, output, calls), (status.Reason(), status.Output is { ValueKind: JsonValueKind.String } text ? text.GetString() : null, _paid.Count));
        Assert.Equal(reason == "failed" ? ErrorCodes.Timeout : null, status.Error?.Code);
    }

    [Fact]
    [Trait("Row", "O17")]
    public async Task Approvals_OfTwoCallsAtOnce_AreAnsweredInAnyOrder()
    {
        await using var host = await StartAsync(120, 130, 7);
        var id = await host.StartAsync(Clerk.Replace("RULE", "\"args.amount > 100\"", StringComparison.Ordinal));

        // The third needs no approval, and is made beside the others.
        var waits = (await host.UntilAsync(id, status => status.CustomStatus?.WaitingFor.Count == 2)).CustomStatus!.WaitingFor;
        Assert.Equal(["refunds.refund.1.0", "refunds.refund.1.1"], waits.Select(wait => wait.Activation));
        await AnswerAsync(host, id, waits[1], """{"decision":"approve"}""");
        await host.UntilAsync(id, status => status.CustomStatus?.WaitingFor.Count == 1);
        await AnswerAsync(host, id, waits[0], """{"decision":"refuse","reason":"no"}""");

        Assert.Equal("The call of tool \"refund\" was refused: no|refunded 130|refunded 7", (await host.WaitAsync(id)).Output!.Value.GetString());
        Assert.Equal([(7, $"{id}/refunds/1.2"), (130, $"{id}/refunds/1.1")], _paid.Order());
    }

    [Fact]
    [Trait("Row", "O17")]
    public async Task Approvals_OfManyItems_WaitSideBySideAndHoldNoSlot()
    {
        const int items = 60;
        await using var host = await StartAsync();
        var id = await host.StartAsync($$"""
            name: many
            limits: { maxConcurrency: 2 }
            models: { m: { provider: offline } }
            agents: { clerk: { model: m, context: [], tools: [{ name: refund, approval: always }] }, other: { model: m, context: [] } }
            nodes:
              list: { transform: [ {{string.Join(',', Enumerable.Range(1, items))}} ] }
              refunds: { agent: clerk, forEach: "{{"{{ nodes.list.output }}"}}", prompt: "Refund {{"{{ item }}"}}." }
              beside: { agent: other, prompt: "Say something." }
            edges: [ list -> refunds, list -> beside ]
            output: "{{"{{ nodes.refunds.output }}"}}"
            """);

        await host.UntilAsync(id, status => status.CustomStatus is { } progress && progress.WaitingFor.Count + progress.MoreWaiting == items && progress.Nodes.Any(node => node is { Node: "beside", Status: "completed" }));
        Assert.InRange(host.Models.MaxInFlight, 1, 2);
        for (var i = 0; i < items; i++)
        {
            await host.Client.RaiseEventAsync(id, $"answer:refunds[{i}].refund.1.0", TestHost.Json(new { decision = i % 2 == 0 ? "approve" : "refuse" }));
        }

        var ended = await host.WaitAsync(id);
        Assert.Equal("completed", ended.Reason());
        Assert.Equal(
            Enumerable.Range(1, items).Select(amount => amount % 2 == 1 ? $"refunded {amount}" : "The call of tool \"refund\" was refused."),
            ended.Output!.Value.EnumerateArray().Select(each => each.GetString()!));
        Assert.Equal(items / 2, _paid.Count);
        Assert.InRange(host.Models.MaxInFlight, 1, 2);
    }

    [Fact]
    [Trait("Row", "O17")]
    [Trait("Row", "S7")]
    public async Task Approval_HostStopsMeanwhile_IsStillWantedAndAnsweredOnce()
    {
        var folder = Directory.CreateTempSubdirectory("polyphony-approval-");
        try
        {
            var file = Path.Combine(folder.FullName, "data.db");
            string id;
            await using (var host = await StartAsync(file))
            {
                id = await host.StartAsync(Clerk.Replace("RULE", "always", StringComparison.Ordinal));
                await AskedAsync(host, id);
            }

            await using (var host = await StartAsync(file))
            {
                await AnswerAsync(host, id, await AskedAsync(host, id), """{"decision":"approve"}""");
                Assert.Equal("refunded 120", (await host.WaitAsync(id)).Output!.Value.GetString());
            }

            Assert.Equal([(120, $"{id}/refunds/1.0")], _paid);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    [Trait("Row", "O17")]
    public async Task Approval_InABusyRun_LetsOtherNodesGoOn()
    {
        await using var host = await StartAsync(interpreter: new InterpreterOptions { OperationsPerGeneration = 3 });
        var id = await host.StartAsync("""
            name: busy
            models: { m: { provider: offline } }
            agents: { clerk: { model: m, context: [], tools: [{ name: refund, approval: always }] }, other: { model: m, context: [] } }
            nodes:
              start: { transform: 1 }
              refunds: { agent: clerk, prompt: "Refund 120." }
              a: { agent: other, prompt: "a {{ round }}" }
              b: { transform: "{{ round }}" }
              end: { transform: "{{ nodes.refunds.output }}" }
            edges:
              - start -> refunds -> end
              - start -> a -> b -> end
              - { from: b, to: a, when: "nodes.b.output < 6", max: 9 }
            """);

        await host.UntilAsync(id, status => status.CustomStatus is { } progress && progress.Nodes.Any(node => node is { Node: "b", Status: "completed", Round: 6 }));
        await AnswerAsync(host, id, await AskedAsync(host, id), """{"decision":"approve"}""");

        Assert.Equal("refunded 120", (await host.WaitAsync(id)).Output!.Value.GetString());
    }

    [Fact]
    [Trait("Row", "O17")]
    public async Task Approval_OfAToolNode_RefusedFailsTheNodeWithTheReason()
    {
        const string workflow = """
            name: shop
            nodes: { pay: { tool: refund, arguments: { amount: 120 }, approval: "args.amount > 100", onError: POLICY } }
            """;
        await using var host = await StartAsync();
        foreach (var (policy, reason, output) in ((string, string, string?)[])[("fail", "failed", null), ("{ value: \"{{ error.code }}: {{ error.message }}\" }", "completed", "tool_refused: The call of tool \"refund\" was refused: no")])
        {
            var id = await host.StartAsync(workflow.Replace("POLICY", policy, StringComparison.Ordinal));
            var wait = await AskedAsync(host, id);
            Assert.Equal("pay.refund", wait.Activation);
            await AnswerAsync(host, id, wait, """{"decision":"refuse","reason":"no"}""");
            var status = await host.WaitAsync(id);
            Assert.Equal((reason, output), (status.Reason(), status.Output is { ValueKind: JsonValueKind.String } text ? text.GetString() : null));
        }

        Assert.Empty(_paid);
    }

    [Fact]
    [Trait("Row", "O17")]
    public async Task Approval_LongerThanTheNodesTimeout_EndsWithIt()
    {
        await using var host = await StartAsync();
        var status = await host.RunAsync(Clerk.Replace("RULE", "always", StringComparison.Ordinal).Replace("prompt:", "timeout: 1h, prompt:", StringComparison.Ordinal));

        Assert.Equal(("failed", ErrorCodes.Timeout, 0), (status.Reason(), status.Error!.Code, _paid.Count));
    }

    [Fact]
    [Trait("Row", "O17")]
    [Trait("Row", "O11")]
    public async Task Approval_InATeam_IsAskedUnderTheTurnsName()
    {
        await using var host = await StartAsync();
        var id = await host.StartAsync("""
            name: desk
            models: { m: { provider: offline } }
            agents: { clerk: { model: m, tools: [{ name: refund, approval: always }] }, other: { model: m } }
            nodes: { desk: { team: [clerk, other], prompt: "Refund 120.", maxTurns: 2 } }
            output: "{{ nodes.desk.output.messages[0].content }}"
            """);
        var wait = await AskedAsync(host, id);
        Assert.Equal("desk.1.refund.1.0", wait.Activation);
        await AnswerAsync(host, id, wait, """{"decision":"approve"}""");

        Assert.Equal("refunded 120", (await host.WaitAsync(id)).Output!.Value.GetString());
        Assert.Equal([(120, $"{id}/desk.1/1.0")], _paid);
    }

    [Theory]
    [Trait("Row", "B9")]
    [InlineData("""{"decision":"happened","result":"refunded by hand"}""", "completed", "refunded by hand", 1)]
    [InlineData("""{"decision":"repeat"}""", "completed", "refunded 120", 2)]
    [InlineData("""{"decision":"fail","reason":"nobody knows"}""", "failed", null, 1)]
    public async Task Doubt_AfterALostAnswer_IsDecidedByAPerson(string answer, string reason, string? output, int calls)
    {
        var lost = 1;
        await using var host = await StartAsync(tool: amount => lost-- > 0 ? throw new IOException("reset") : $"refunded {amount}");
        var id = await host.StartAsync(Clerk.Replace(", approval: RULE", "", StringComparison.Ordinal));

        var wait = await AskedAsync(host, id);
        Assert.Equal(("refunds.refund.1.0.doubt1", "refund"), (wait.Activation, wait.Tool));
        await AnswerAsync(host, id, wait, answer);
        var status = await host.WaitAsync(id);

        Assert.Equal((reason, output, calls), (status.Reason(), status.Output is { ValueKind: JsonValueKind.String } text ? text.GetString() : null, _paid.Count));
        Assert.Equal(reason == "failed" ? ErrorCodes.ToolInDoubt : null, status.Error?.Code);
    }

    [Fact]
    [Trait("Row", "B9")]
    public async Task Doubt_InADividedForEach_IsAskedByTheChildThatHasTheItem()
    {
        await using var host = await StartAsync(
            interpreter: new InterpreterOptions { MaxDirectItems = 2, MaxItemsPerChild = 2 },
            tool: amount => amount == 3 ? throw new IOException("reset") : $"refunded {amount}");
        var id = await host.StartAsync("""
            name: many
            nodes: { pay: { tool: refund, forEach: "{{ [1, 2, 3, 4, 5] }}", arguments: { amount: "{{ item }}" } } }
            """);

        var page = await WaitingChildAsync(host, id);
        await host.Engine.Client.RaiseEventAsync(page.InstanceId, "answer:pay[2].refund.doubt1", """{"decision":"happened","result":"by hand"}""");
        var status = await host.WaitAsync(id);

        Assert.Equal("""["refunded 1","refunded 2","by hand","refunded 4","refunded 5"]""", status.Output!.Value.GetRawText());
        Assert.Equal(5, _paid.Count);
    }

    [Fact]
    [Trait("Row", "B9")]
    [Trait("Row", "H5")]
    public async Task Rewind_AfterAToolHasRun_ReusesItsResult()
    {
        var isDown = true;
        await using var host = await StartAsync();
        var answer = host.Models.Respond;
        host.Models.Respond = (model, messages, options, token) => isDown && messages[^1].Role == ChatRole.Tool
            ? throw new ModelException(new CallError(ErrorCodes.BadRequest, "no", ErrorKind.Terminal))
            : answer(model, messages, options, token);
        var id = await host.StartAsync(Clerk.Replace("RULE", "always", StringComparison.Ordinal));
        await AnswerAsync(host, id, await AskedAsync(host, id), """{"decision":"approve"}""");
        Assert.Equal("failed", (await host.WaitAsync(id)).Reason());

        // Approved and made before: nobody is asked again.
        isDown = false;
        await host.Client.RewindAsync(id, "the model is back");
        var status = await host.WaitAsync(id);

        Assert.Equal(("completed", "refunded 120", 1), (status.Reason(), status.Output!.Value.GetString(), _paid.Count));
    }

    [Fact]
    [Trait("Row", "B9")]
    [Trait("Row", "H5")]
    public async Task Rewind_OfAForEachOfToolCalls_MakesThoseThatFailedAndNoOther()
    {
        var refuses = true;
        await using var host = await StartAsync(tool: amount => refuses && amount == 2 ? throw new ToolException("no account") : $"refunded {amount}");
        var id = await host.StartAsync("""
            name: many
            limits: { maxConcurrency: 1 }
            nodes: { pay: { tool: refund, forEach: "{{ [1, 2, 3] }}", arguments: { amount: "{{ item }}" } } }
            """);
        Assert.Equal("failed", (await host.WaitAsync(id)).Reason());

        refuses = false;
        await host.Client.RewindAsync(id, "there is an account now");
        var status = await host.WaitAsync(id);

        Assert.Equal("""["refunded 1","refunded 2","refunded 3"]""", status.Output!.Value.GetRawText());
        Assert.Equal([1, 2, 3, 2], _paid.Select(each => each.Amount));
        Assert.Equal(3, _paid.Select(each => each.Key).Distinct().Count());
    }

    [Fact]
    [Trait("Row", "B9")]
    public async Task Restart_IsAnotherInstance_AndCallsTheToolUnderAnotherKey()
    {
        await using var host = await StartAsync();
        var first = (await host.RunAsync(Clerk.Replace(", approval: RULE", "", StringComparison.Ordinal))).InstanceId;
        var second = await host.Client.RestartAsync(first);
        await host.WaitAsync(second);

        Assert.Equal([$"{first}/refunds/1.0", $"{second}/refunds/1.0"], _paid.Select(each => each.Key));
    }

    [Fact]
    [Trait("Row", "B9")]
    [Trait("Row", "C9")]
    public async Task Fallback_AfterAToolHasRun_GoesOnWithItsResult()
    {
        await using var host = await StartAsync();
        var answer = host.Models.Respond;
        host.Models.Respond = (model, messages, options, token) => model == "first" && messages[^1].Role == ChatRole.Tool
            ? throw new ModelException(new CallError(ErrorCodes.BadRequest, "no", ErrorKind.Terminal))
            : answer(model, messages, options, token);
        var status = await host.RunAsync("""
            name: shop
            models: { first: { provider: offline, fallback: [second] }, second: { provider: offline } }
            agents: { clerk: { model: first, context: [], tools: [refund] } }
            nodes: { refunds: { agent: clerk, prompt: "Refund 120." } }
            """);

        Assert.Equal(("completed", "refunded 120", 1), (status.Reason(), status.Output!.Value.GetString(), _paid.Count));
    }

    [Fact]
    [Trait("Row", "B9")]
    [Trait("Row", "O12")]
    public async Task Calls_WithIdsThatAModelRepeats_HaveKeysOfTheirOwn()
    {
        await using var host = await StartAsync();
        host.Models.Respond = (_, messages, _, _) => Task.FromResult(messages.Count(message => message.Role == ChatRole.Tool) is var rounds && rounds < 3
            ? new ChatResponse(new ChatMessage(ChatRole.Assistant, [new FunctionCallContent("call_0", "refund", new Dictionary<string, object?> { ["amount"] = 5 })])) { FinishReason = ChatFinishReason.ToolCalls }
            : TestModels.Text("done"));
        var status = await host.RunAsync(Clerk.Replace(", approval: RULE", "", StringComparison.Ordinal));

        Assert.Equal([$"{status.InstanceId}/refunds/1.0", $"{status.InstanceId}/refunds/2.0", $"{status.InstanceId}/refunds/3.0"], _paid.Select(each => each.Key));
    }

    private static async Task<PendingWait> AskedAsync(TestHost host, string id) =>
        Assert.Single((await host.UntilAsync(id, status => status.CustomStatus?.WaitingFor.Count > 0)).CustomStatus!.WaitingFor);

    private static Task AnswerAsync(TestHost host, string id, PendingWait wait, string answer) => host.Client.RaiseEventAsync(id, wait.EventName!, JsonElement.Parse(answer));

    private static async Task<Core.Durable.OrchestrationMetadata> WaitingChildAsync(TestHost host, string id)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (true)
        {
            var page = await host.Engine.Client.QueryAsync(new Core.Durable.OrchestrationQuery { IncludeChildren = true, Name = TaskNames.ItemsOrchestration }, limit.Token);
            if (page.Instances.FirstOrDefault(child => child.CustomStatus?.Contains("doubt", StringComparison.Ordinal) == true) is { } found)
            {
                return found;
            }

            await Task.Yield();
        }
    }

    private Task<TestHost> StartAsync(params int[] amounts) => StartAsync(null, null, null, amounts);

    private Task<TestHost> StartAsync(string file) => StartAsync(file, null, null);

    private async Task<TestHost> StartAsync(string? file = null, InterpreterOptions? interpreter = null, Func<int, string>? tool = null, params int[] amounts)
    {
        var tools = new ToolRegistry().Add(AIFunctionFactory.Create(
            (int amount) =>
            {
                _paid.Enqueue((amount, ToolCallContext.Current!.EffectKey));
                return tool is null ? $"refunded {amount}" : tool(amount);
            }, "refund"));
        var host = await TestHost.StartAsync(path: file, interpreter: interpreter, tools: tools);

        // Asks for refunds, and then says what came of them.
        host.Models.Respond = (_, messages, _, _) =>
        {
            var asked = messages.Last(message => message.Role == ChatRole.User).Text;
            var results = messages.Where(message => message.Role == ChatRole.Tool).Select(message => ((FunctionResultContent)message.Contents[0]).Result!.ToString()).ToList();
            if (results.Count > 0 || !asked.StartsWith("Refund ", StringComparison.Ordinal))
            {
                return Task.FromResult(TestModels.Text(results.Count > 0 ? string.Join('|', results) : asked));
            }

            int[] wanted = amounts.Length > 0 ? amounts : [int.Parse(asked["Refund ".Length..^1], System.Globalization.CultureInfo.InvariantCulture)];
            return Task.FromResult(new ChatResponse(new ChatMessage(
                ChatRole.Assistant,
                [.. wanted.Select((amount, i) => new FunctionCallContent($"c{i}", "refund", new Dictionary<string, object?> { ["amount"] = amount }))]))
            { FinishReason = ChatFinishReason.ToolCalls });
        };
        return host;
    }
}
