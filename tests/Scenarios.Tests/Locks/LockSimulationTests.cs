using Microsoft.Extensions.Logging.Abstractions;
using Polyphony.Activities;
using Polyphony.Activities.Locks;
using Polyphony.Activities.Tools;
using Polyphony.Core.Client;
using Polyphony.Core.Durable;
using Polyphony.Core.Runs;
using Polyphony.Engine.Simulation;
using Polyphony.TestKit.Workflows;

namespace Polyphony.Scenarios.Tests.Locks;

/// <summary>
/// Several instances that want several locks in different orders, by file and by item, with one that is terminated, on an engine that is crashed at every commit, before and after, and at random. The model counts
/// who is in a section: never two with one lock. All that are not terminated complete.
/// </summary>
[Trait("Row", "S6")]
[Trait("Row", "S7")]
public sealed class LockSimulationTests
{
    private const string Workflow = """
        name: section
        input: { type: object, required: [first, second], properties: { first: { type: string }, second: { type: string } } }
        limits: { maxConcurrency: 2 }
        models: { m: { provider: offline } }
        agents: { a: { model: m, context: [] } }
        nodes:
          both: { agent: a, prompt: "{{ input.first }} {{ input.second }}", lock: ["{{ input.first }}", "{{ input.second }}"] }
          each: { agent: a, forEach: "{{ [input.second, input.first, 'z'] }}", prompt: "{{ item }}", lock: "{{ item }}" }
        edges: [ both -> each ]
        """;

    private static readonly (string First, string Second)[] Wishes = [("x", "y"), ("y", "x"), ("z", "x"), ("y", "z")];

    [Fact]
    public void Sections_CrashedAtEveryCommit_AreExclusiveAndComplete()
    {
        var commits = Run(new SimulationOptions { Seed = 1 });
        Assert.InRange(commits, 50, 1_000);
        for (var commit = 1; commit <= commits; commit++)
        {
            Run(new SimulationOptions { Seed = commit, CrashAtCommit = commit, CrashPoint = commit % 2 == 0 ? CrashPoint.BeforeCommit : CrashPoint.AfterCommit });
        }
    }

    [Fact]
    public void Sections_ManySeedsWithCrashesAndReplays_AreExclusiveAndComplete()
    {
        for (var seed = 1; seed <= 80; seed++)
        {
            Run(new SimulationOptions { Seed = seed, CrashProbability = seed % 3 == 0 ? 0 : 0.03, MaxLiveInstances = seed % 2 == 0 ? 0 : 1000 });
        }
    }

    private static int Run(SimulationOptions options)
    {
        var what = $"seed {options.Seed}, commit {options.CrashAtCommit}";
        var worked = 0;
        Dictionary<string, int> inside = [];
        var catalog = new MapCatalog([TestHost.Parse(Workflow)]);
        SeededSimulation? running = null;
        var models = new TestModels
        {
            Respond = async (_, messages, _, cancellationToken) =>
            {
                // Those of an engine that has crashed are no more.
                var mine = inside;
                var locks = messages[^1].Text.Split(' ');
                foreach (var name in locks)
                {
                    mine[name] = mine.GetValueOrDefault(name) + 1;
                    Assert.True(mine[name] == 1, $"{what}: {mine[name]} hold {name}");
                }

                try
                {
                    await Task.Delay(TimeSpan.FromSeconds(20), running!.Clock, cancellationToken);
                }
                finally
                {
                    foreach (var name in locks)
                    {
                        mine[name]--;
                    }
                }

                worked++;
                return TestModels.Text("ok");
            },
        };
        var result = SeededSimulation.Run(
            options,
            (simulation, engine, registry) =>
            {
                running = simulation;
                inside = [];
                new LockActivity(() => engine.Client).Register(registry);
                new PolyphonyActivities(
                    new ActivitiesOptions(), engine.Payloads, engine.Ledger, engine.Definitions, models, new ToolRegistry(), simulation.Clock, NullLoggerFactory.Instance, catalog).Register(registry);
                registry.AddWorkflows(engine.Definitions, new InterpreterOptions { OperationsPerGeneration = options.Seed % 2 == 0 ? 6 : 100, MaxGenerationBytes = options.Seed % 3 == 0 ? 1 : DurableLimits.MaxPayloadBytes });
            },
            async simulation =>
            {
                for (var i = 0; i < Wishes.Length; i++)
                {
                    await SimulatedCalls.UntilTakenOrEndedAsync(() => Client().StartAsync(
                        "section", TestHost.Json(new { first = Wishes[i].First, second = Wishes[i].Second }), new StartWorkflowOptions { InstanceId = $"i{i}" }));
                }

                // The first two want the same: one of them is most likely at work, the other waits.
                await Task.Delay(TimeSpan.FromSeconds(10), simulation.Clock);
                await SimulatedCalls.UntilTakenOrEndedAsync(() => simulation.Client.TerminateAsync("i0"));
                for (var i = 0; i < Wishes.Length; i++)
                {
                    var end = await simulation.Client.WaitForCompletionAsync($"i{i}");
                    Assert.True(end.RuntimeStatus == (i == 0 ? OrchestrationRuntimeStatus.Terminated : OrchestrationRuntimeStatus.Completed), $"{what}: i{i} {end.RuntimeStatus} {end.FailureDetails}");
                    Assert.True(i == 0 || end.Output!.Contains("\"completed\"", StringComparison.Ordinal) || end.Output.Contains("\"Completed\"", StringComparison.Ordinal), $"{what}: {end.Output}");
                }

                WorkflowClient Client() => new(simulation.Client, catalog, simulation.Definitions, simulation.Payloads);
            });
        Assert.True(worked >= 12, $"{what}: {worked}");
        return result.Commits;
    }
}
