using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Polyphony.Activities;
using Polyphony.Activities.Tools;
using Polyphony.Core.Client;
using Polyphony.Core.Runs;
using Polyphony.Core.Topics;
using Polyphony.Engine.Simulation;
using Polyphony.TestKit.Workflows;

namespace Polyphony.Scenarios.Tests.Topics;

/// <summary>A conversation that has become long: its older part is summarised before the next message is handled.</summary>
[Trait("Row", "R13")]
public sealed class ConversationSummaryTests
{
    private const string Desk = """
        name: desk
        models: { m: { provider: offline } }
        agents: { clerk: { model: m }, scribe: { model: m, instructions: "You are the scribe." } }
        subscriptions:
          clerk: { topic: tickets, agent: clerk, retry: { maxAttempts: 2, firstDelay: 1s }, compact: { agent: scribe, above: 1600, keep: 2 } }
        """;

    // Three of these with their answers are more than 1,600 bytes, two are less.
    private static readonly string Words = string.Concat(Enumerable.Repeat("word ", 70));

    [Fact]
    public async Task Conversation_AboveTheSize_IsSummarisedOnceAndGoesOnFromThere()
    {
        await using var host = await TestHost.StartAsync(interpreter: new InterpreterOptions { OperationsPerGeneration = 5 });
        host.AddWorkflow(Desk);
        var heard = new List<string>();
        var summarized = new List<string>();
        host.Models.Respond = (_, messages, _, _) => Task.FromResult(TestModels.Text(Answer([.. messages.Select(message => message.Text)], heard, summarized)));

        for (var i = 1; i <= 6; i++)
        {
            await HandledAsync(host, i);
        }

        // 1, 2 and 3 with their answers are too much; 3 stays as it is. Later the summary is summarised with what came since.
        Assert.Equal(["q1 a1 q2 a2", "? S(q1 a1 q2 a2) q3 a3 q4 a4"], summarized);
        Assert.Equal(["q1", "q1 a1 q2", "q1 a1 q2 a2 q3", "? S(q1 a1 q2 a2) q3 a3 q4", "? S(q1 a1 q2 a2) q3 a3 q4 a4 q5", "? S(? S(q1 a1 q2 a2) q3 a3 q4 a4) q5 a5 q6"], heard);
        var mailbox = (await host.Topics.GetMailboxAsync("mailbox:desk.clerk:a"))!;
        Assert.Equal((6, 8), (mailbox.ConversationMessages, mailbox.Usage.ModelCalls));
        var shown = (await host.Topics.GetConversationAsync(mailbox.Id))!;
        Assert.Equal(["user", "assistant", "user", "assistant", "user", "assistant"], shown.Select(message => message.Role));
        Assert.Equal(("scribe", "clerk"), (shown[1].Agent, shown[3].Agent));
    }

    [Fact]
    public async Task Summary_ThatFails_FailsTheAttempt_AndTheNextOneMakesIt()
    {
        await using var host = await TestHost.StartAsync();
        host.AddWorkflow(Desk);
        var (heard, summarized, failures) = (new List<string>(), new List<string>(), 0);
        host.Models.Respond = (_, messages, _, _) =>
            messages[0].Text.Contains("scribe", StringComparison.Ordinal) && ++failures == 1
                ? throw new Activities.Providers.ModelException(new CallError(ErrorCodes.ContentFilter, "no", ErrorKind.Terminal))
                : Task.FromResult(TestModels.Text(Answer([.. messages.Select(message => message.Text)], heard, summarized)));

        for (var i = 1; i <= 4; i++)
        {
            await HandledAsync(host, i);
        }

        Assert.Equal("? S(q1 a1 q2 a2) q3 a3 q4", heard[^1]);
        Assert.Equal(2, failures);
        Assert.Equal(0, (await host.Topics.GetMailboxAsync("mailbox:desk.clerk:a"))!.GivenUp);
    }

    [Fact]
    [Trait("Row", "R5")]
    public void Crashes_AtEveryCommit_SummariseTheSameAndAnswerTheSame()
    {
        var commits = Run(new SimulationOptions { Seed = 1 }).Commits;
        Assert.InRange(commits, 20, 500);
        for (var commit = 1; commit <= commits; commit++)
        {
            Run(new SimulationOptions { Seed = commit, CrashAtCommit = commit });
        }
    }

    private static SimulationResult Run(SimulationOptions options)
    {
        var (heard, summarized) = (new ConcurrentDictionary<string, int>(StringComparer.Ordinal), new ConcurrentDictionary<string, int>(StringComparer.Ordinal));
        var catalog = new MapCatalog([TestHost.Parse(Desk)]);
        var models = new TestModels
        {
            Respond = (_, messages, _, _) =>
            {
                var (asked, made) = (new List<string>(), new List<string>());
                var answer = Answer([.. messages.Select(message => message.Text)], asked, made);
                asked.ForEach(each => heard[each] = heard.GetValueOrDefault(each) + 1);
                made.ForEach(each => summarized[each] = summarized.GetValueOrDefault(each) + 1);
                return Task.FromResult(TestModels.Text(answer));
            },
        };
        return SeededSimulation.Run(
            options,
            (simulation, engine, registry) =>
            {
                new PolyphonyActivities(
                    new ActivitiesOptions(), engine.Payloads, engine.Ledger, engine.Definitions, models, new ToolRegistry(), simulation.Clock, NullLoggerFactory.Instance, catalog).Register(registry);
                registry.AddWorkflows(engine.Definitions, new InterpreterOptions { OperationsPerGeneration = 10 });
            },
            async simulation =>
            {
                TopicClient Client() => new(new WorkflowClient(simulation.Client, catalog, simulation.Definitions, simulation.Payloads));
                for (var i = 1; i <= 5; i++)
                {
                    await SimulatedCalls.UntilTakenAsync(() => Client().PublishAsync("tickets", "a", TestHost.Json(JsonSerializer.SerializeToElement($"q{i} {Words}")), $"m{i}"));
                }

                Mailbox? mailbox = null;
                while (mailbox is not { Handled: 5 })
                {
                    try
                    {
                        mailbox = await Client().GetMailboxAsync("mailbox:desk.clerk:a");
                    }
                    catch (PolyphonyException e) when (e.Code == "engine_stopped")
                    {
                    }

                    // Time passes only while nobody has anything to do.
                    await Task.Delay(TimeSpan.FromMilliseconds(10), simulation.Clock);
                }

                Assert.Equal(0, mailbox.GivenUp);
                Assert.Equal(["q1 a1 q2 a2"], summarized.Keys);
                Assert.Equal(["? S(q1 a1 q2 a2) q3 a3 q4", "? S(q1 a1 q2 a2) q3 a3 q4 a4 q5", "q1", "q1 a1 q2", "q1 a1 q2 a2 q3"], heard.Keys.Order(StringComparer.Ordinal));
                var unsettled = (await simulation.Ledger.GetTotalsAsync()).Unsettled;
                Assert.InRange(heard.Values.Sum(count => count - 1) + summarized.Values.Sum(count => count - 1), 0, unsettled);
            });
    }

    // Notes in short what an agent hears: q1 for the first question, a1 for its answer, S(…) for a summary of that.
    private static string Answer(string[] messages, List<string> heard, List<string> summarized)
    {
        var isScribe = messages[0].Contains("scribe", StringComparison.Ordinal);
        var said = messages.Where(text => !text.Contains("You are the scribe.", StringComparison.Ordinal) && !text.Contains("Summarise it", StringComparison.Ordinal)).Select(Short).ToList();
        var all = string.Join(' ', said);
        (isScribe ? summarized : heard).Add(all);
        return isScribe ? $"S({all})" : $"a{said[^1][1..]} {Words}";
    }

    private static string Short(string text)
    {
        var last = text.Split('\n')[^1];
        return last.StartsWith("What was said before", StringComparison.Ordinal) ? "?" : last.StartsWith("S(", StringComparison.Ordinal) ? last : last.Split(' ')[0];
    }

    private static async Task HandledAsync(TestHost host, int number)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var message = await host.Topics.PublishAsync("tickets", "a", TestHost.Json(JsonSerializer.SerializeToElement($"q{number} {Words}")), $"m{number}", limit.Token);
        await host.Topics.WaitForHandledAsync(message.Deliveries[0], message.MessageId, limit.Token);
    }
}
