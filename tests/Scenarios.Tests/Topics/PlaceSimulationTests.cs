using Microsoft.Extensions.Logging.Abstractions;
using Polyphony.Activities;
using Polyphony.Activities.Locks;
using Polyphony.Activities.Tools;
using Polyphony.Core.Client;
using Polyphony.Core.Durable;
using Polyphony.Core.Runs;
using Polyphony.Core.Topics;
using Polyphony.Engine.Simulation;
using Polyphony.TestKit.Workflows;

namespace Polyphony.Scenarios.Tests.Topics;

/// <summary>
/// More sources than places, on an engine that is crashed at every commit, before and after, and at random: the model counts who is at work, never more than there are places, and every message is handled,
/// although runs go on in several generations, one fails at first, and one is terminated.
/// </summary>
[Trait("Row", "R4")]
[Trait("Row", "R5")]
public sealed class PlaceSimulationTests
{
    private const int Sources = 4;
    private const int Messages = 2;
    private const int Places = 2;

    private const string Desk = """
        name: desk
        models: { m: { provider: offline } }
        agents: { a: { model: m, context: [] } }
        subscriptions: { triage: { topic: tickets, maxConcurrency: 2, retry: { maxAttempts: 2, firstDelay: 1m } } }
        state: { seen: append }
        nodes:
          first: { agent: a, prompt: "{{ input }}" }
          second: { agent: a, prompt: "{{ input }}", write: { seen: "{{ input }}" } }
        edges: [ first -> second ]
        """;

    [Fact]
    public void Messages_CrashedAtEveryCommit_AreAllHandled_AndNeverMoreAtOnceThanThereArePlaces()
    {
        var (commits, most) = Run(new SimulationOptions { Seed = 1 });
        Assert.InRange(commits, 50, 1_000);
        Assert.Equal(Places, most);
        for (var commit = 1; commit <= commits; commit++)
        {
            Run(new SimulationOptions { Seed = commit, CrashAtCommit = commit, CrashPoint = commit % 2 == 0 ? CrashPoint.BeforeCommit : CrashPoint.AfterCommit });
        }
    }

    [Fact]
    public void Messages_ManySeedsWithCrashes_AreAllHandled_AndNeverMoreAtOnceThanThereArePlaces()
    {
        for (var seed = 1; seed <= 60; seed++)
        {
            Run(new SimulationOptions { Seed = seed, CrashProbability = seed % 3 == 0 ? 0 : 0.03, MaxLiveInstances = seed % 2 == 0 ? 0 : 1000 });
        }
    }

    private static (int Commits, int Most) Run(SimulationOptions options)
    {
        var what = $"seed {options.Seed}, commit {options.CrashAtCommit}";
        var most = 0;
        HashSet<string> atWork = [];
        var catalog = new MapCatalog([TestHost.Parse(Desk)]);
        SeededSimulation? running = null;
        var hasFailed = false;
        var models = new TestModels
        {
            Respond = async (_, messages, _, cancellationToken) =>
            {
                // Those of an engine that has crashed are no more.
                var mine = atWork;
                var text = messages[^1].Text;
                Assert.True(mine.Add(text), $"{what}: {text} twice");
                Assert.True(mine.Count <= Places, $"{what}: {string.Join(", ", mine)}");
                most = Math.Max(most, mine.Count);
                try
                {
                    await Task.Delay(TimeSpan.FromSeconds(20), running!.Clock, cancellationToken);
                }
                finally
                {
                    mine.Remove(text);
                }

                if (text == "b1" && !hasFailed)
                {
                    hasFailed = true;
                    throw new Activities.Providers.ModelException(new CallError(ErrorCodes.ContentFilter, "no", ErrorKind.Terminal));
                }

                return TestModels.Text("ok");
            },
        };
        var result = SeededSimulation.Run(
            options,
            (simulation, engine, registry) =>
            {
                running = simulation;
                atWork = [];
                new LockActivity(() => engine.Client).Register(registry);
                new PolyphonyActivities(
                    new ActivitiesOptions(), engine.Payloads, engine.Ledger, engine.Definitions, models, new ToolRegistry(), simulation.Clock, NullLoggerFactory.Instance, catalog).Register(registry);
                registry.AddWorkflows(engine.Definitions, new InterpreterOptions { OperationsPerGeneration = options.Seed % 2 == 0 ? 3 : 100, MaxGenerationBytes = options.Seed % 3 == 0 ? 1 : DurableLimits.MaxPayloadBytes });
            },
            async simulation =>
            {
                for (var i = 1; i <= Messages; i++)
                {
                    for (var source = 0; source < Sources; source++)
                    {
                        var name = $"{(char)('a' + source)}";
                        await SimulatedCalls.UntilTakenOrEndedAsync(() => Client().PublishAsync("tickets", name, TestHost.Json(System.Text.Json.JsonSerializer.SerializeToElement($"{name}{i}")), $"m{i}"));
                    }
                }

                // Some are at work, some wait.
                await Task.Delay(TimeSpan.FromSeconds(10), simulation.Clock);
                await SimulatedCalls.UntilTakenOrEndedAsync(() => simulation.Client.TerminateAsync("mailbox:desk.triage:a:m1"));
                for (var source = 0; source < Sources; source++)
                {
                    var name = $"{(char)('a' + source)}";
                    var mailbox = await UntilAsync($"mailbox:desk.triage:{name}");
                    var seen = mailbox.State!.Value.GetProperty("seen").GetRawText();
                    Assert.True(seen == (mailbox.GivenUp == 0 ? $"[\"{name}1\",\"{name}2\"]" : "[\"a2\"]"), $"{what}: {name} has seen {seen}");
                }

                TopicClient Client() => new(new WorkflowClient(simulation.Client, catalog, simulation.Definitions, simulation.Payloads));

                async Task<Mailbox> UntilAsync(string id)
                {
                    while (true)
                    {
                        try
                        {
                            if (await Client().GetMailboxAsync(id) is { Depth: 0, Handled: >= Messages } mailbox)
                            {
                                return mailbox;
                            }
                        }
                        catch (PolyphonyException e) when (e.Code == "engine_stopped")
                        {
                            // It is read again when the next engine is there.
                        }

                        await Task.Delay(TimeSpan.FromSeconds(1), simulation.Clock);
                    }
                }
            });
        return (result.Commits, most);
    }
}
