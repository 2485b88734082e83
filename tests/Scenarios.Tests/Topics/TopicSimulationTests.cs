using Microsoft.Extensions.Logging.Abstractions;
using Polyphony.Activities;
using Polyphony.Activities.Tools;
using Polyphony.Core.Client;
using Polyphony.Core.Runs;
using Polyphony.Core.Topics;
using Polyphony.Engine.Simulation;
using Polyphony.TestKit.Workflows;

namespace Polyphony.Scenarios.Tests.Topics;

/// <summary>Messages under a seeded scheduler with a crash at every commit: each handled once, in order, and what they lead to as well.</summary>
[Trait("Row", "R5")]
[Trait("Row", "S12")]
public sealed class TopicSimulationTests
{
    private const int Sources = 3;
    private const int Messages = 4;

    private const string Relay = """
        name: relay
        models: { m: { provider: offline } }
        agents: { check: { model: m } }
        subscriptions:
          check:
            topic: orders
            agent: check
            retry: { maxAttempts: 2, firstDelay: 1s }
            state: { seen: append, told: append, count: sum }
            write: { seen: "{{ input.n }}", told: "{{ state.seen.join('') }}", count: 1 }
            publish: { topic: bills, source: all, data: "{{ message.source + input.n }}" }
        """;

    private const string Sink = """
        name: sink
        subscriptions: { bills: { topic: bills } }
        state: { bills: append }
        nodes: { keep: { transform: "{{ input }}", write: { bills: "{{ output }}" } } }
        """;

    [Fact]
    public void Crashes_AtEveryCommit_LoseNothingDoubleNothingAndKeepTheOrder()
    {
        var commits = Run(new SimulationOptions { Seed = 1 }).Commits;
        Assert.InRange(commits, 50, 1_000);
        for (var commit = 1; commit <= commits; commit++)
        {
            Run(new SimulationOptions { Seed = commit, CrashAtCommit = commit });
        }
    }

    [Fact]
    public void Crashes_AtAnyTime_LoseNothingDoubleNothingAndKeepTheOrder()
    {
        for (var seed = 1UL; seed <= 30; seed++)
        {
            Run(new SimulationOptions { Seed = (int)seed, CrashProbability = 0.05 });
        }
    }

    private static SimulationResult Run(SimulationOptions options)
    {
        var what = $"seed {options.Seed}, commit {options.CrashAtCommit}";
        var answered = new Dictionary<string, int>(StringComparer.Ordinal);
        var catalog = new MapCatalog([TestHost.Parse(Relay), TestHost.Parse(Sink)]);
        var models = new TestModels
        {
            Respond = (_, messages, _, _) =>
            {
                var text = messages[^1].Text;
                answered[text] = answered.GetValueOrDefault(text) + 1;
                return text.Contains("\"poison\"", StringComparison.Ordinal)
                    ? throw new Activities.Providers.ModelException(new CallError(ErrorCodes.ContentFilter, "no", ErrorKind.Terminal))
                    : Task.FromResult(TestModels.Text("ok"));
            },
        };
        return SeededSimulation.Run(
            options,
            (simulation, engine, registry) =>
            {
                new PolyphonyActivities(
                    new ActivitiesOptions(), engine.Payloads, engine.Ledger, engine.Definitions, models, new ToolRegistry(), simulation.Clock, NullLoggerFactory.Instance, catalog).Register(registry);
                registry.AddWorkflows(engine.Definitions, new InterpreterOptions { OperationsPerGeneration = 10, MaxGenerationBytes = options.Seed % 3 == 0 ? 1 : Core.Durable.DurableLimits.MaxPayloadBytes });
            },
            async simulation =>
            {
                TopicClient Client() => new(new WorkflowClient(simulation.Client, catalog, simulation.Definitions, simulation.Payloads));

                for (var i = 1; i <= Messages; i++)
                {
                    for (var source = 0; source < Sources; source++)
                    {
                        await PublishAsync($"{(char)('a' + source)}", i == 2 && source == 1 ? "poison" : $"{i}");
                    }
                }

                // A publisher that does not know whether its message was accepted tries again.
                async Task PublishAsync(string source, string n)
                {
                    for (var times = 0; times < 2; times++)
                    {
                        await SimulatedCalls.UntilTakenAsync(() => Client().PublishAsync("orders", source, TestHost.Json(new { n, of = source }), $"{source}-{n}"));
                    }
                }

                var bills = await UntilAsync("mailbox:sink.bills:all", (Sources * Messages) - 1);
                for (var source = 0; source < Sources; source++)
                {
                    var name = $"{(char)('a' + source)}";
                    var mailbox = await UntilAsync($"mailbox:relay.check:{name}", 2 * Messages);
                    Assert.True(
                        mailbox.State!.Value.GetRawText() == (source == 1
                            ? """{"count":3,"seen":["1","3","4"],"told":["","1","13"]}"""
                            : """{"count":4,"seen":["1","2","3","4"],"told":["","1","12","123"]}"""),
                        $"{what}: {mailbox.State}");
                    Assert.True(mailbox.Duplicates >= Messages && mailbox.GivenUp == (source == 1 ? 1 : 0), $"{what}: {mailbox}");
                    var sent = bills.State!.Value.GetProperty("bills").EnumerateArray().Select(bill => bill.GetString()!).Where(bill => bill[..1] == name);
                    Assert.True(string.Concat(sent.Select(bill => bill[1..])) == (source == 1 ? "134" : "1234"), $"{what}: {bills.State}");
                }

                Assert.True(bills.Handled == (Sources * Messages) - 1, $"{what}: {bills.Handled} bills");
                var letters = await LettersAsync("mailbox:relay.check:b");
                Assert.True(letters is [{ Attempts: 2, MessageId: "b-poison" }], $"{what}: {letters.Count} dead letters");

                // An answer is paid twice only if a crash came between it and its record; the poison is never answered.
                var unsettled = (await simulation.Ledger.GetTotalsAsync()).Unsettled;
                var twice = answered.Where(pair => !pair.Key.Contains("poison", StringComparison.Ordinal)).Sum(pair => pair.Value - 1);
                Assert.True(twice <= unsettled, $"{what}: {twice} answered twice, {unsettled} counted");

                async Task<Mailbox> UntilAsync(string id, int handled)
                {
                    while (true)
                    {
                        try
                        {
                            if (await Client().GetMailboxAsync(id) is { } mailbox && mailbox.Handled >= handled && mailbox.Depth == 0)
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

                async Task<IReadOnlyList<DeadMessage>> LettersAsync(string id)
                {
                    while (true)
                    {
                        try
                        {
                            if (await Client().ListDeadLettersAsync(id) is { Count: > 0 } letters)
                            {
                                return letters;
                            }
                        }
                        catch (PolyphonyException e) when (e.Code == "engine_stopped")
                        {
                            // As above.
                        }

                        await Task.Delay(TimeSpan.FromSeconds(1), simulation.Clock);
                    }
                }
            });
    }
}
