using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging.Abstractions;
using Polyphony.Activities;
using Polyphony.Activities.Tools;
using Polyphony.Core.Client;
using Polyphony.Core.Durable;
using Polyphony.Core.Runs;
using Polyphony.Engine.Simulation;
using Polyphony.TestKit.Workflows;

namespace Polyphony.Scenarios.Tests;

/// <summary>
/// Tools with effects that are counted outside of the engine, which is crashed at every commit, before and after. An agent's calls, two at once and one of them to be approved, and tool nodes.
/// A person looks at what was counted, and answers by it. Whatever happens, each effect is there once; only the idempotent tool may be called again without anybody being asked.
/// </summary>
[Trait("Row", "B9")]
[Trait("Row", "O17")]
[Trait("Row", "S7")]
[Trait("Row", "S12")]
public sealed class ToolEffectSimulationTests
{
    private const string Workflow = """
        name: effects
        state: { reads: append, sum: sum, said: append }
        models: { m: { provider: offline } }
        agents: { clerk: { model: m, context: [], tools: [pay, { name: book, approval: "args.n > 1" }, read] } }
        nodes:
          buys: { agent: clerk, prompt: go, write: { said: "{{ output }}" } }
          reads: { tool: read, arguments: { n: 30 }, forEach: "{{ [1, 2] }}" }
          pays: { tool: pay, arguments: { n: 10 }, forEach: "{{ [1, 2] }}", itemsPerActivity: 2 }
          books: { tool: book, arguments: { n: 20 } }
        edges: [ buys -> books ]
        output: { buys: "{{ nodes.buys.output }}", pays: "{{ nodes.pays.output }}", books: "{{ nodes.books.output }}" }
        """;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Effects_CrashedAtEveryCommit_HappenOnce(int seed)
    {
        var plain = Run(new SimulationOptions { Seed = seed });
        Assert.Equal(("completed", 0), (plain.Status.Reason(), plain.Doubts));
        Assert.Equal("""{"buys":"pay 1|book 2|read 3","pays":["pay 10","pay 10"],"books":"book 20"}""", plain.Status.Output!.Value.GetRawText());
        Assert.Equal("""{"reads":[3,30,30],"said":["pay 1|book 2|read 3"],"sum":63}""", plain.Status.State!.Value.GetRawText());
        Check(plain, plain, "without a crash");
        var doubts = 0;
        for (var commit = 1; commit <= plain.Commits; commit++)
        {
            foreach (var point in Enum.GetValues<CrashPoint>())
            {
                var crashed = Run(new SimulationOptions { Seed = seed, CrashAtCommit = commit, CrashPoint = point });
                Check(plain, crashed, $"crash {point} at commit {commit}");
                doubts += crashed.Doubts;
            }
        }

        Assert.True(doubts > 0, "No crash has left a call in doubt: this test shows nothing.");
    }

    [Fact]
    public void Effects_ManySeedsWithManyCrashes_HappenOnce()
    {
        var plain = Run(new SimulationOptions { Seed = 1 });
        var doubts = 0;
        for (var seed = 2; seed < 80; seed++)
        {
            var crashed = Run(new SimulationOptions { Seed = seed, CrashProbability = 0.05 });
            Check(plain, crashed, $"seed {seed}");
            doubts += crashed.Doubts;
        }

        Assert.True(doubts > 10, $"{doubts} doubts");
    }

    private static void Check(Report plain, Report other, string what)
    {
        Assert.True(plain.Status.StopReason == other.Status.StopReason, $"{what}: {other.Status.StopReason} {other.Status.Error}");
        Assert.True(plain.Status.Output!.Value.GetRawText() == other.Status.Output!.Value.GetRawText(), $"{what}: {other.Status.Output.Value.GetRawText()}");
        Assert.True(plain.Status.State!.Value.GetRawText() == other.Status.State!.Value.GetRawText(), $"{what}: {other.Status.State.Value.GetRawText()}");
        foreach (var (key, count) in other.Effects)
        {
            Assert.True(count == 1 || key.StartsWith("read", StringComparison.Ordinal), $"{what}: {key} {count} times");
        }

        Assert.Equal(plain.Effects.Keys.Order(StringComparer.Ordinal), other.Effects.Keys.Order(StringComparer.Ordinal));
    }

    private static Report Run(SimulationOptions options)
    {
        var effects = new Dictionary<string, int>(StringComparer.Ordinal);
        var doubts = 0;
        var models = new TestModels
        {
            Respond = (_, messages, _, _) => Task.FromResult(messages[^1].Role == ChatRole.Tool
                ? TestModels.Text(string.Join('|', messages.Where(message => message.Role == ChatRole.Tool).Select(message => ((FunctionResultContent)message.Contents[0]).Result)))
                : new ChatResponse(new ChatMessage(ChatRole.Assistant, [Request("pay", 1), Request("book", 2), Request("read", 3)])) { FinishReason = ChatFinishReason.ToolCalls }),
        };
        var tools = new ToolRegistry()
            .Add(Tool("pay"))
            .Add(Tool("book"), new ToolOptions
            {
                Check = (check, _) => ValueTask.FromResult(effects.ContainsKey($"book {check.EffectKey}")
                    ? ToolCheckResult.Happened($"book {check.Arguments.GetProperty("n").GetInt32()}")
                    : ToolCheckResult.DidNotHappen),
            })
            .Add(Tool("read"), new ToolOptions { Idempotent = true });
        WorkflowStatus? status = null;
        var result = SeededSimulation.Run(
            options,
            (simulation, engine, registry) =>
            {
                new PolyphonyActivities(new ActivitiesOptions(), engine.Payloads, engine.Ledger, engine.Definitions, models, tools, simulation.Clock, NullLoggerFactory.Instance).Register(registry);
                registry.AddWorkflows(engine.Definitions, new InterpreterOptions { OperationsPerGeneration = 8 });
            },
            async simulation =>
            {
                await SimulatedCalls.UntilTakenAsync(async () =>
                {
                    try
                    {
                        await Client(simulation).StartAsync(TestHost.Parse(Workflow), TestHost.Json(null), new StartWorkflowOptions { InstanceId = "run" });
                    }
                    catch (InstanceExistsException)
                    {
                        // Started before a crash.
                    }
                });
                var answered = new HashSet<string>(StringComparer.Ordinal);
                for (var version = 0L; ;)
                {
                    version = (await simulation.Client.WaitForChangeAsync("run", version))!.Version;
                    status = await Client(simulation).GetAsync("run");
                    if (status!.IsFinished)
                    {
                        return;
                    }

                    foreach (var wait in status.CustomStatus?.WaitingFor ?? [])
                    {
                        // A crash may leave it open whether an answer was taken: as long as it is wanted, it is given.
                        await SimulatedCalls.UntilTakenAsync(() => Client(simulation).RaiseEventAsync("run", wait.EventName!, Answer(wait.Activation)));
                        doubts += wait.Activation.Contains("doubt", StringComparison.Ordinal) && answered.Add(wait.Activation) ? 1 : 0;
                    }
                }
            });
        return new Report(status!, effects, doubts, result.Commits);

        // Looks at what has happened.
        JsonElement Answer(string activation)
        {
            if (!activation.Contains("doubt", StringComparison.Ordinal))
            {
                return JsonElement.Parse("""{"decision":"approve"}""");
            }

            var key = activation.StartsWith("buys", StringComparison.Ordinal) ? "run/buys/1.0" : $"run/{activation.Split('.')[0]}";
            return effects.ContainsKey($"pay {key}")
                ? JsonElement.Parse($$"""{"decision":"happened","result":"pay {{(key == "run/buys/1.0" ? 1 : 10)}}"}""")
                : JsonElement.Parse("""{"decision":"repeat"}""");
        }

        AIFunction Tool(string name) => AIFunctionFactory.Create(
            async (int n) =>
            {
                await Task.Yield();
                var key = $"{name} {ToolCallContext.Current!.EffectKey}";
                effects[key] = effects.GetValueOrDefault(key) + 1;
                await Task.Yield();
                if (name == "read")
                {
                    // A call that is made again writes again, and what stands is what was recorded with its result.
                    ToolCallContext.Current.WriteState("reads", n);
                    ToolCallContext.Current.WriteState("sum", n);
                }

                return $"{name} {n}";
            }, name);
    }

    private static WorkflowClient Client(SeededSimulation simulation) => new(simulation.Client, new MapCatalog([]), simulation.Definitions, simulation.Payloads);

    private static FunctionCallContent Request(string tool, int n) => new($"c{n}", tool, new Dictionary<string, object?> { ["n"] = n });

    private sealed record Report(WorkflowStatus Status, IReadOnlyDictionary<string, int> Effects, int Doubts, int Commits);
}
