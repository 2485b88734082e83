using System.Diagnostics;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging.Abstractions;
using Polyphony.Activities;
using Polyphony.Activities.Tools;
using Polyphony.Core.Client;
using Polyphony.Core.Durable;
using Polyphony.Core.Durable.History;
using Polyphony.Core.Runs;
using Polyphony.Core.Telemetry;
using Polyphony.Engine.Simulation;
using Polyphony.TestKit.Telemetry;
using Polyphony.TestKit.Workflows;

namespace Polyphony.Scenarios.Tests.Telemetry;

/// <summary>The spans of runs: one trace for each, whatever happens to the host.</summary>
[Trait("Row", "H11")]
public sealed class TraceTests
{
    private const string Secret = "the secret of the prompt";

    private static string Clerk(string name) => $$"""
        name: {{name}}
        models: { m: { provider: test, model: small-1 } }
        agents: { clerk: { model: m, tools: [add], retry: { maxAttempts: 3, firstDelay: 1s } } }
        nodes: { work: { agent: clerk, prompt: "{{Secret}}" } }
        """;

    [Fact]
    public async Task Run_WithATool_IsOneTraceOfNamedSpans()
    {
        using var spans = new SpanRecorder("trace-clerk");
        await using var host = await StartAsync();
        var id = await host.StartAsync(Clerk("trace-clerk"));
        var status = await host.WaitAsync(id);
        Assert.Equal("completed", status.Reason());

        Assert.Equal(
            ["chat small-1", "chat small-1", "execute_tool add", "invoke_agent clerk", "invoke_agent clerk", "invoke_workflow trace-clerk", "start_workflow trace-clerk"], spans.Names);
        var start = spans.Single("start_workflow trace-clerk");
        Assert.Equal((ActivityKind.Producer, default), (start.Kind, start.ParentSpanId));
        Assert.All(spans.Spans, span => Assert.Equal(start.TraceId, span.TraceId));
        Assert.All(spans.Spans.Where(span => span.Kind == ActivityKind.Internal), span => Assert.Equal(start.SpanId, span.ParentSpanId));
        var agents = spans.All("invoke_agent clerk");
        Assert.Equal(agents.Select(span => span.SpanId), spans.All("chat small-1").Select(span => span.ParentSpanId));

        var agent = agents[0];
        Assert.Equal("invoke_agent|clerk|trace-clerk|test|small-1", Tags(agent, "gen_ai.operation.name", "gen_ai.agent.name", "gen_ai.workflow.name", "gen_ai.provider.name", "gen_ai.request.model"));
        Assert.Equal($"{id}|work|work|1|1|10|5", Tags(agent, "polyphony.instance.id", "polyphony.node", "polyphony.activation", "polyphony.attempt", "polyphony.call", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"));
        var chat = spans.All("chat small-1")[1];
        Assert.Equal((ActivityKind.Client, ActivityStatusCode.Unset), (chat.Kind, chat.Status));
        Assert.Equal("chat|test|small-1|test-model|10|5", Tags(chat, "gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model", "gen_ai.response.model", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"));
        Assert.Equal(["stop"], (string[])chat.GetTagItem("gen_ai.response.finish_reasons")!);
        Assert.Equal("execute_tool|add|c0|clerk", Tags(spans.Single("execute_tool add"), "gen_ai.operation.name", "gen_ai.tool.name", "gen_ai.tool.call.id", "gen_ai.agent.name"));
        Assert.Equal("invoke_workflow|completed|20|10", Tags(spans.Single("invoke_workflow trace-clerk"), "gen_ai.operation.name", "polyphony.stop_reason", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"));

        // Neither what was asked nor what was answered.
        Assert.All(spans.Spans.SelectMany(span => span.TagObjects), tag => Assert.DoesNotContain(Secret, tag.Value?.ToString() ?? "", StringComparison.Ordinal));
        Assert.All(spans.Spans.SelectMany(span => span.TagObjects), tag => Assert.DoesNotContain("sum is 3", tag.Value?.ToString() ?? "", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Retry_IsASpanOfItsOwn_AfterOneWithTheError()
    {
        using var spans = new SpanRecorder("trace-retry");
        var models = new TestModels();
        models.Respond = (_, _, _, _) => models.Calls == 1 ? throw new HttpRequestException($"no connection for {Secret}") : Task.FromResult(TestModels.Text("done"));
        await using var host = await StartAsync(models);
        await host.RunAsync(Clerk("trace-retry"));

        var agents = spans.All("invoke_agent clerk");
        Assert.Equal(["1", "2"], agents.Select(span => Tags(span, "polyphony.attempt")));
        Assert.Equal([ActivityStatusCode.Error, ActivityStatusCode.Unset], agents.Select(span => span.Status));
        var failed = spans.All("chat small-1")[0];
        Assert.Equal((ActivityStatusCode.Error, "provider_unavailable"), (failed.Status, Tags(failed, "error.type")));

        // A message may quote anything.
        Assert.All(spans.Spans, span => Assert.Null(span.StatusDescription));
    }

    [Fact]
    public async Task Failure_OfARun_IsAnErrorOfItsSpan_AndWhatIsUsedAgainIsNoCall()
    {
        using var spans = new SpanRecorder("trace-rewind");
        var fails = true;
        var tools = new ToolRegistry().Add(AIFunctionFactory.Create((int a, int b) => fails ? throw new InvalidOperationException("broken") : a + b, "add"), new ToolOptions { Idempotent = true });
        await using var host = await StartAsync(tools: tools);
        var id = await host.StartAsync("""
            name: trace-rewind
            models: { m: { provider: test, model: small-1 } }
            agents: { clerk: { model: m } }
            nodes:
              first: { agent: clerk, prompt: one }
              count: { tool: { name: add, arguments: { a: 1, b: 2 } } }
            edges: [ first -> count ]
            """);
        await host.WaitAsync(id);
        var run = spans.Single("invoke_workflow trace-rewind");
        Assert.Equal((ActivityStatusCode.Error, "failed"), (run.Status, Tags(run, "polyphony.stop_reason")));
        var tool = spans.All("execute_tool add")[^1];
        Assert.Equal(ActivityStatusCode.Error, tool.Status);
        Assert.NotNull(tool.GetTagItem("error.type"));

        fails = false;
        await host.Client.RewindAsync(id, null, TestContext.Current.CancellationToken);
        await host.WaitAsync(id);
        Assert.Equal(["failed", "completed"], spans.All("invoke_workflow trace-rewind").Select(span => Tags(span, "polyphony.stop_reason")));
        Assert.Single(spans.Spans.Select(span => span.TraceId).Distinct());
        Assert.Single(spans.All("chat small-1"));
    }

    /// <summary>A crash before and after every commit: whatever comes after it belongs to the trace of the start that was committed.</summary>
    [Fact]
    public void Crash_AtEveryCommit_LeavesTheTraceOfTheStart()
    {
        var commits = Simulate("trace-crash-0", new SimulationOptions { Seed = 1 });
        Assert.True(commits > 8, $"{commits} commits");
        for (var commit = 1; commit <= commits; commit++)
        {
            foreach (var point in Enum.GetValues<CrashPoint>())
            {
                Simulate($"trace-crash-{commit}-{(int)point}", new SimulationOptions { Seed = 1, CrashAtCommit = commit, CrashPoint = point });
            }
        }
    }

    [Fact]
    public async Task Children_OfARun_AreOfItsTrace()
    {
        using var spans = new SpanRecorder("trace-parent");
        await using var host = await TestHost.StartAsync(interpreter: new InterpreterOptions { MaxDirectItems = 2, MinItemsPerChild = 1, MaxItemsPerChild = 2 });
        host.AddWorkflow("""
            name: trace-child
            models: { m: { provider: test } }
            agents: { inner: { model: m } }
            nodes: { ask: { agent: inner, prompt: inner } }
            """);
        await host.RunAsync("""
            name: trace-parent
            models: { m: { provider: test } }
            agents: { outer: { model: m } }
            nodes:
              each: { agent: outer, forEach: "{{ [1, 2, 3, 4, 5] }}", prompt: "{{ item }}" }
              sub: { workflow: trace-child }
            edges: [ each -> sub ]
            """);
        Assert.Single(spans.Spans.Select(span => span.TraceId).Distinct());
        Assert.Equal(5, spans.All("invoke_agent outer").Count);
        Assert.Equal("each[4]", Tags(spans.All("invoke_agent outer").MaxBy(span => Tags(span, "polyphony.activation"))!, "polyphony.activation"));
        Assert.Single(spans.All("invoke_agent inner"));
        Assert.Single(spans.All("invoke_workflow trace-child"));
    }

    [Fact]
    public async Task Trace_ThatIsNotSampled_IsKeptAndHasNoSpansLater()
    {
        using var spans = new SpanRecorder("trace-unsampled", sampled: false);
        await using var host = await StartAsync();
        var id = await host.StartAsync(Clerk("trace-unsampled"));
        await host.WaitAsync(id);
        Assert.EndsWith("-00", await TraceOfAsync(host, id), StringComparison.Ordinal);
        Assert.All(spans.Spans, span => Assert.False(span.Recorded));
        Assert.DoesNotContain(TaskNames.TraceEnd, await TasksAsync(host, id));
    }

    [Fact]
    public async Task Run_ThatNobodyTraces_KeepsNothingAndCallsNothingMore()
    {
        await using var host = await StartAsync();
        var id = await host.StartAsync(Clerk("trace-nobody"));
        await host.WaitAsync(id);
        Assert.Null(await TraceOfAsync(host, id));
        Assert.DoesNotContain(TaskNames.TraceEnd, await TasksAsync(host, id));
    }

    [Fact]
    public async Task Start_BelowASpan_ContinuesItsTrace_ButNotBelowOneThatNobodyAskedFor()
    {
        using var spans = new SpanRecorder("trace-below");
        using var requests = new ActivitySource("requests of the trace tests");
        using var listener = new ActivityListener { ShouldListenTo = source => source == requests, Sample = (ref _) => ActivitySamplingResult.AllDataAndRecorded };
        ActivitySource.AddActivityListener(listener);
        await using var host = await StartAsync();
        using (var request = requests.StartActivity("POST"))
        {
            await host.RunAsync(Clerk("trace-below"));
            Assert.All(spans.Spans, span => Assert.Equal(request!.TraceId, span.TraceId));
            Assert.Equal(request!.SpanId, spans.Single("start_workflow trace-below").ParentSpanId);
        }

        // As ASP.NET Core makes them for its logs.
        using var unlistened = new Activity("unlistened").Start();
        var id = await host.StartAsync(Clerk("trace-below"));
        Assert.EndsWith("-01", await TraceOfAsync(host, id), StringComparison.Ordinal);
        Assert.Equal(default, spans.All("start_workflow trace-below")[1].ParentSpanId);
        await host.WaitAsync(id);
    }

    [Fact]
    public async Task Restart_IsARunAndATraceOfItsOwn()
    {
        using var spans = new SpanRecorder("trace-restart");
        await using var host = await StartAsync();
        var first = await host.StartAsync(Clerk("trace-restart"));
        await host.WaitAsync(first);
        var second = await host.Client.RestartAsync(first, cancellationToken: TestContext.Current.CancellationToken);
        await host.WaitAsync(second);
        Assert.NotEqual(await TraceOfAsync(host, first), await TraceOfAsync(host, second));
        Assert.Equal(2, spans.Spans.Select(span => span.TraceId).Distinct().Count());
    }

    private static Task<TestHost> StartAsync(TestModels? models = null, ToolRegistry? tools = null)
    {
        models ??= Calling();
        return TestHost.StartAsync(models: models, tools: tools ?? new ToolRegistry().Add(AIFunctionFactory.Create((int a, int b) => a + b, "add")));
    }

    /// <summary>A model that calls the tool, if it has one, and then says what came of it.</summary>
    private static TestModels Calling()
    {
        var models = new TestModels();
        models.Respond = (_, messages, options, _) => Task.FromResult(
            options?.Tools is not { Count: > 0 } ? TestModels.Text("done")
            : messages.Any(message => message.Role == ChatRole.Tool) ? TestModels.Text("sum is 3")
            : new ChatResponse(new ChatMessage(ChatRole.Assistant, [new FunctionCallContent("c0", "add", new Dictionary<string, object?> { ["a"] = 1, ["b"] = 2 })]))
            {
                FinishReason = ChatFinishReason.ToolCalls,
                ModelId = "test-model",
                Usage = new UsageDetails { InputTokenCount = 10, OutputTokenCount = 5 },
            });
        return models;
    }

    private static string Tags(Activity span, params string[] names) => string.Join('|', names.Select(name => span.GetTagItem(name)?.ToString()));

    private static async Task<string?> TraceOfAsync(TestHost host, string id)
    {
        var input = (await host.Engine.Client.GetAsync(id, fetchInputsAndOutputs: true, TestContext.Current.CancellationToken))!.Input!;
        return JsonElement.Parse(input).TryGetProperty("trace", out var trace) ? trace.GetString() : null;
    }

    private static async Task<IEnumerable<string>> TasksAsync(TestHost host, string id) =>
        (await host.Engine.Client.GetHistoryAsync(id, 0, TestContext.Current.CancellationToken)).OfType<TaskScheduled>().Select(task => task.Name);

    private static int Simulate(string workflow, SimulationOptions options)
    {
        using var spans = new SpanRecorder(workflow);
        string? trace = null;
        var result = SeededSimulation.Run(
            options,
            (simulation, engine, registry) =>
            {
                new PolyphonyActivities(
                    new ActivitiesOptions(), engine.Payloads, engine.Ledger, engine.Definitions, Calling(), new ToolRegistry().Add(AIFunctionFactory.Create((int a, int b) => a + b, "add"), new ToolOptions { Idempotent = true }),
                    simulation.Clock, NullLoggerFactory.Instance).Register(registry);
                registry.AddWorkflows(engine.Definitions, new InterpreterOptions { OperationsPerGeneration = 2 });
            },
            async simulation =>
            {
                await SimulatedCalls.UntilTakenAsync(async () =>
                {
                    try
                    {
                        // Stores end with their engine.
                        var client = new WorkflowClient(simulation.Client, new MapCatalog(), simulation.Definitions, simulation.Payloads);
                        await client.StartAsync(TestHost.Parse(Clerk(workflow)), TestHost.Json(null), new StartWorkflowOptions { InstanceId = "run" });
                    }
                    catch (InstanceExistsException)
                    {
                        // Started before a crash.
                    }
                });
                OrchestrationMetadata? ended = null;
                await SimulatedCalls.UntilTakenAsync(async () => ended = await simulation.Client.WaitForCompletionAsync("run"));
                trace = JsonElement.Parse(ended!.Input!).GetProperty("trace").GetString();
            });
        Assert.True(System.Diagnostics.ActivityContext.TryParse(trace, null, out var context));
        var run = spans.Spans.Where(span => !span.DisplayName.StartsWith("start_workflow", StringComparison.Ordinal)).ToList();
        Assert.All(run, span => Assert.Equal(context.TraceId, span.TraceId));
        Assert.All(run.Where(span => span.Kind == ActivityKind.Internal), span => Assert.Equal(context.SpanId, span.ParentSpanId));
        Assert.Contains(spans.Spans, span => span.SpanId == context.SpanId);
        Assert.NotEmpty(spans.All($"{SpanNames.InvokeWorkflow} {workflow}"));
        return result.Commits;
    }
}
