using Microsoft.Extensions.Logging.Abstractions;
using Polyphony.Activities.Tools;
using Polyphony.Activities.Tools.Servers;
using Polyphony.Core.Client;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
using Polyphony.Core.Durable.History;
using Polyphony.Core.Runs;
using Polyphony.TestKit.Servers;

namespace Polyphony.DurableFunctions.Tests.Workflows;

/// <summary>Whole workflows on Durable Task: their results are those of the embedded engine.</summary>
[Trait("Row", "H1")]
public abstract class WorkflowContract
{
    private const string Wide = """
        name: wide
        input: { type: object, properties: { items: { type: array, items: { type: integer } } } }
        models: { m: { provider: offline } }
        agents: { a: { model: m, context: [] } }
        nodes:
          each: { agent: a, forEach: "{{ input.items }}", prompt: "Say number {{ item }}." }
          end: { transform: { count: "{{ size(nodes.each.output) }}", all: "{{ nodes.each.output }}" } }
        edges: [ each -> end ]
        """;

    private const string Long = """
        name: long
        models: { m: { provider: offline } }
        agents: { a: { model: m, context: [] } }
        nodes:
          n1: { agent: a, prompt: "Say one." }
          n2: { agent: a, prompt: "Say two after {{ nodes.n1.output }}" }
          n3: { agent: a, prompt: "Say three after {{ nodes.n2.output }}" }
          n4: { agent: a, prompt: "Say four after {{ nodes.n3.output }}" }
          n5: { agent: a, prompt: "Say five after {{ nodes.n4.output }}" }
          n6: { agent: a, prompt: "Say six after {{ nodes.n5.output }}" }
          n7: { agent: a, prompt: "Say seven after {{ nodes.n6.output }}" }
        """;

    private const string Failing = """
        name: failing
        input: { type: object, properties: { text: { type: string } } }
        models: { m: { provider: offline } }
        agents: { a: { model: m, context: [] } }
        nodes:
          first: { agent: a, prompt: "Say one." }
          bad: { transform: "{{ int(input.text) }}" }
        edges: [ first -> bad ]
        """;

    private const string Shared = """
        name: shared
        input: { type: object, properties: { items: { type: array, items: { type: integer } } } }
        models: { m: { provider: offline } }
        agents: { a: { model: m, context: [] } }
        state: { said: append, sum: { reducer: sum, initial: 0.5 }, largest: max, by: merge, last: replace }
        nodes:
          each: { agent: a, forEach: "{{ input.items }}", prompt: "Say number {{ item }}.", write: { said: "{{ output }}", sum: "{{ double(item) / 10.0 }}", largest: "{{ item }}" } }
          side: { agent: a, prompt: "Say {{ size(state.said) }}.", write: { said: side, by: { side: "{{ output }}" } } }
          draft: { agent: a, prompt: "Say draft {{ round }} of {{ size(state.said) }}.", write: { said: "draft {{ round }}", by: { draft: "{{ output }}" }, last: "{{ output }}" } }
          end: { transform: { said: "{{ state.said.join(' ') }}", sum: "{{ state.sum }}", largest: "{{ state.largest }}", by: "{{ state.by }}", last: "{{ state.last }}" } }
        edges:
          - each -> draft -> end
          - side -> end
          - { from: draft, to: draft, when: "size(state.said) < 26", max: 9 }
        """;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private protected abstract Task<WorkflowHost> StartAsync(InterpreterOptions? interpreter = null, HostTools? tools = null);

    [Theory]
    [InlineData("hello", """{"name":"Ada"}""")]
    [InlineData("parallel", """{"text":"We open a second office in May."}""")]
    [InlineData("loop", """{"topic":"why we write tests"}""")]
    [InlineData("translate", """{"text":"Good morning","languages":["French","Polish","Greek"]}""")]
    [InlineData("coordinator", """{"question":"What does the disk space cost?"}""")]
    [InlineData("three-ways", """{"text":"We open a second office in May. It costs 40,000 a month."}""")]
    [InlineData("shared-findings", """{"sections":["We deliver in May.","You pay within ten days.","Either side may leave."]}""")]
    [InlineData(Failing, """{"text":"x"}""")]
    [Trait("Row", "O1")]
    [Trait("Row", "O2")]
    [Trait("Row", "O5")]
    [Trait("Row", "O8")]
    [Trait("Row", "O3")]
    [Trait("Row", "O4")]
    [Trait("Row", "C10")]
    public async Task Run_OnDurableTask_GivesWhatTheEmbeddedEngineGives(string workflow, string input)
    {
        await using var host = await StartAsync();
        await using var embedded = await WorkflowHost.EmbeddedAsync();

        var ended = await host.WaitAsync(await host.StartAsync(workflow, input));
        var expected = await embedded.WaitAsync(await embedded.StartAsync(workflow, input));

        AssertSame(expected, ended);
        Assert.Equal(workflow == Failing ? OrchestrationRuntimeStatus.Failed : OrchestrationRuntimeStatus.Completed, ended.RuntimeStatus);
    }

    [Fact]
    [Trait("Row", "O17")]
    [Trait("Row", "B9")]
    public async Task Run_WithToolCallsThatPeopleDecideOn_WaitsForEachAndGoesOn()
    {
        await using var host = await StartAsync();
        var id = await host.StartAsync(
            """
            name: refunds
            nodes:
              begin: { transform: 1 }
              pay: { tool: refund, forEach: "{{ [10, 120, 130] }}", arguments: { amount: "{{ item }}" }, approval: "args.amount > 100" }
              lost: { tool: lossy, arguments: { amount: 5 } }
            edges: [ "begin -> [pay, lost]" ]
            output: { pay: "{{ nodes.pay.output }}", lost: "{{ nodes.lost.output }}" }
            """,
            "{}");
        var waits = (await host.UntilAsync(id, status => status.CustomStatus?.WaitingFor.Count == 3)).CustomStatus!.WaitingFor;
        Assert.Equal(["lost.lossy.doubt1", "pay[1].refund", "pay[2].refund"], waits.Select(wait => wait.Activation));
        foreach (var (wait, answer) in waits.Zip((string[])["""{"decision":"happened","result":"by hand"}""", """{"decision":"approve"}""", """{"decision":"approve","arguments":{"amount":80}}"""]))
        {
            await host.Client.RaiseEventAsync(id, wait.EventName!, System.Text.Json.JsonElement.Parse(answer), Token);
        }

        Assert.Equal("""{"pay":["refunded 10","refunded 120","refunded 80"],"lost":"by hand"}""", (await host.WaitAsync(id)).Output!.Value.GetRawText());
    }

    [Fact]
    [Trait("Row", "S1")]
    [Trait("Row", "O8")]
    public async Task Run_WideForEach_IsSplitIntoChildrenWithTheSameResult()
    {
        var options = new InterpreterOptions { MaxDirectItems = 4, MaxItemsPerChild = 5 };
        await using var host = await StartAsync(options);
        await using var embedded = await WorkflowHost.EmbeddedAsync(options);
        var input = $$"""{"items":[{{string.Join(',', Enumerable.Range(0, 23))}}]}""";

        var ended = await host.WaitAsync(await host.StartAsync(Wide, input));

        AssertSame(await embedded.WaitAsync(await embedded.StartAsync(Wide, input)), ended);
        Assert.StartsWith("{\"count\":23,", ended.Output!.Value.GetRawText(), StringComparison.Ordinal);

        // 23 items, 5 to a child.
        var all = await host.Durable.QueryAsync(new() { IncludeChildren = true }, Token);
        Assert.Equal(5, all.Instances.Count(each => each.ParentInstanceId == ended.InstanceId));
        Assert.Equal(6, await host.Durable.PurgeAsync(ended.InstanceId, Token));
        Assert.Empty((await host.Durable.QueryAsync(new() { IncludeChildren = true }, Token)).Instances);
    }

    [Fact]
    [Trait("Row", "S12")]
    public async Task Run_WithSharedState_InChildrenAndGenerations_GivesWhatTheEmbeddedEngineGives()
    {
        var options = new InterpreterOptions { MaxDirectItems = 4, MaxItemsPerChild = 5, OperationsPerGeneration = 2 };
        await using var host = await StartAsync(options);
        await using var embedded = await WorkflowHost.EmbeddedAsync(options);
        var input = $$"""{"items":[{{string.Join(',', Enumerable.Range(0, 23))}}]}""";

        var ended = await host.WaitAsync(await host.StartAsync(Shared, input));

        AssertSame(await embedded.WaitAsync(await embedded.StartAsync(Shared, input)), ended);
        Assert.Equal(StopReason.Completed, ended.StopReason);
        var said = string.Join(' ', [.. Enumerable.Range(0, 23).Select(i => $"Say number {i}."), "side", "draft 1", "draft 2", "draft 3"]);
        Assert.Equal(
            $$"""{"said":"{{said}}","sum":25.8,"largest":22,"by":{"side":"Say 0.","draft":"Say draft 3 of 25."},"last":"Say draft 3 of 25."}""",
            ended.Output!.Value.GetRawText());
    }

    [Fact]
    [Trait("Row", "O7")]
    public async Task Run_ManyOperations_ContinuesAsNewWithTheSameResult()
    {
        var options = new InterpreterOptions { OperationsPerGeneration = 2 };
        await using var host = await StartAsync(options);
        await using var embedded = await WorkflowHost.EmbeddedAsync(options);

        var ended = await host.WaitAsync(await host.StartAsync(Long, "{}"));

        AssertSame(await embedded.WaitAsync(await embedded.StartAsync(Long, "{}")), ended);
        Assert.InRange((await host.Durable.GetHistoryAsync(ended.InstanceId, 0, Token)).Count(e => e is TaskScheduled), 0, 3);
    }

    [Theory]
    [InlineData("""{"approved":true,"comment":"fine"}""", StopReason.Completed)]
    [InlineData("""{"approved":false}""", StopReason.Rejected)]
    [Trait("Row", "O10")]
    public async Task Approval_Answered_GoesOnAsOnTheEmbeddedEngine(string answer, StopReason reason)
    {
        await using var host = await StartAsync();
        await using var embedded = await WorkflowHost.EmbeddedAsync();

        var ended = await AnswerAsync(host);

        AssertSame(await AnswerAsync(embedded), ended);
        Assert.Equal(reason, ended.StopReason);

        async Task<WorkflowStatus> AnswerAsync(WorkflowHost on)
        {
            var id = await on.StartAsync("approval", """{"topic":"the new prices"}""");
            var waiting = await on.UntilAsync(id, found => found.CustomStatus?.WaitingFor is { Count: > 0 });
            await on.Durable.RaiseEventAsync(id, waiting.CustomStatus!.WaitingFor[0].EventName!, answer, Token);
            return await on.WaitAsync(id);
        }
    }

    [Fact]
    [Trait("Row", "O9")]
    public async Task Timers_WaitThenEvent_GoesOnWithIt()
    {
        await using var host = await StartAsync();
        var id = await host.StartAsync("timers", "{}");

        await host.UntilAsync(id, found => found.CustomStatus?.WaitingFor is [{ EventName: "go" }]);
        await host.Durable.RaiseEventAsync(id, "go", """{"by":"me"}""", Token);

        var ended = await host.WaitAsync(id);
        Assert.Equal("""{"startedBy":"me","waited":false}""", ended.Output!.Value.GetRawText());

        // It waits for two seconds; timers on Azure Storage may be one early.
        Assert.InRange(ended.LastUpdatedTime - ended.CreatedTime, TimeSpan.FromSeconds(1), TimeSpan.MaxValue);
    }

    private static void AssertSame(WorkflowStatus expected, WorkflowStatus actual)
    {
        Assert.Equal((expected.RuntimeStatus, expected.StopReason, expected.Error?.Code, expected.Error?.Message), (actual.RuntimeStatus, actual.StopReason, actual.Error?.Code, actual.Error?.Message));
        Assert.Equal(expected.Output?.GetRawText(), actual.Output?.GetRawText());
        Assert.Equal(expected.State?.GetRawText(), actual.State?.GetRawText());
        Assert.Equal(Lines(expected), Lines(actual));
        Assert.Equal(expected.Usage, actual.Usage);

        static IEnumerable<string> Lines(WorkflowStatus status) =>
            status.Outcomes!.Select(each => $"{each.Outcome.Activation} {each.Outcome.Status} {each.Outcome.Error?.Code} {each.Result?.GetRawText()}");
    }

    [Fact]
    [Trait("Row", "O12")]
    public async Task Tools_OfAFileAndOfAProgram_AreCalledFromActivities()
    {
        await using var api = await FakeApi.StartAsync("""{"stock":3}""");
        var folder = Directory.CreateTempSubdirectory("polyphony-tools-");
        var server = new ToolServer { Command = "dotnet", Arguments = [Path.Combine(AppContext.BaseDirectory, "Polyphony.TestToolServer.dll"), Path.Combine(folder.FullName, "diary.txt")] };
        await using (var servers = new ToolServers(
            new ToolSettings { Servers = new Dictionary<string, ToolServer>(StringComparer.Ordinal) { ["test"] = server } }, TimeProvider.System, NullLoggerFactory.Instance))
        await using (var host = await StartAsync(tools: new HostTools(new EndpointPolicy { ToolEndpoints = [new AllowedToolEndpoint(api.Address, null, PrivateNetwork: true)] }, servers)))
        {
            var ended = await host.WaitAsync(await host.StartAsync(
                $$$"""
                name: tools
                tools:
                  take: { parameters: { type: object, properties: { id: { type: string } } }, http: { method: POST, url: "{{{api.Address}}}/items", body: "{{ args }}" } }
                nodes:
                  take: { tool: take, arguments: { id: "a" } }
                  sum: { tool: test.add, arguments: { a: "{{ nodes.take.output.stock }}", b: 4 } }
                output: "{{ nodes.sum.output }}"
                """, "{}"));

            Assert.Equal("""{"sum":7}""", ended.Output!.Value.GetRawText());
            Assert.Equal("{\"id\":\"a\"}", Assert.Single(api.Requests).Body);
            Assert.Matches("^[0-9a-f]{32}\\z", api.Requests[0].Headers["Idempotency-Key"]);
        }

        folder.Delete(recursive: true);
    }

    [Fact]
    [Trait("Row", "O14")]
    [Trait("Row", "O10")]
    public async Task WorkflowInCSharp_OnDurableTask_GivesWhatTheEmbeddedEngineGives()
    {
        await using var host = await StartAsync();
        await using var embedded = await WorkflowHost.EmbeddedAsync();

        var (here, there) = (await RunAsync(host), await RunAsync(embedded));

        Assert.Equal(StopReason.Completed, here.StopReason);
        Assert.Equal(there.Output!.Value.GetString(), here.Output!.Value.GetString());
        Assert.EndsWith(" True", here.Output.Value.GetString(), StringComparison.Ordinal);
        Assert.Equal(there.Outcomes!.Select(outcome => outcome.Outcome.Activation), here.Outcomes!.Select(outcome => outcome.Outcome.Activation));
        Assert.Equal((4, 4), (here.Usage.ModelCalls, there.Usage.ModelCalls));

        static async Task<WorkflowStatus> RunAsync(WorkflowHost host)
        {
            var id = await host.StartAsync("in-code", """["one","two","three"]""");
            var asked = await host.UntilAsync(id, status => status.CustomStatus is { WaitingFor.Count: 1 });
            await host.Client.RaiseEventAsync(id, asked.CustomStatus!.WaitingFor[0].EventName!, System.Text.Json.JsonElement.Parse("true"), Token);
            return await host.WaitAsync(id);
        }
    }
}
