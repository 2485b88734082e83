using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Polyphony.Core.Definitions;
using Polyphony.Core.Topics;
using Polyphony.Engine;

namespace Polyphony.Benchmarks.Interpreter;

/// <summary>Messages of 300 bytes: to 1,000 sources, to one, and from publish to handled on an idle host. Each is handled by a run with one agent whose call does nothing.</summary>
internal static class TopicMessages
{
    private const int Publishers = 1000;

    private static readonly JsonElement Data = JsonSerializer.SerializeToElement(string.Concat(Enumerable.Repeat("Thirty bytes of a message text", 10)));

    private static readonly WorkflowDefinition Desk = Workflows.Parse(
        """
        name: desk
        models: { fast: { provider: offline } }
        agents: { writer: { model: fast } }
        subscriptions: { writer: { topic: tickets, agent: writer, maxMessages: 0 } }
        """);

    internal static async Task RunAsync(Round round)
    {
        await ThroughputAsync(round, "topics.1000", round.Scale(20_000, 1_000), 1_000);
        await ThroughputAsync(round, "topics.one", round.Scale(2_000, 50), 1);
        await LatencyAsync(round);
    }

    private static async Task ThroughputAsync(Round round, string name, int messages, int sources)
    {
        await using var engine = await StartAsync(round);
        var topics = new TopicClient(Workflows.ClientOf(engine, Desk));
        var began = Stopwatch.GetTimestamp();
        for (var from = 0; from < messages; from += Publishers)
        {
            await Task.WhenAll(Enumerable.Range(from, Math.Min(Publishers, messages - from)).Select(i => topics.PublishAsync("tickets", SourceOf(i % sources), Data)));
        }

        round.RecordRate($"{name}.accepted", "messages/s", messages, Stopwatch.GetElapsedTime(began));
        for (var source = 0; source < sources; source++)
        {
            var expected = (messages / sources) + (source < messages % sources ? 1 : 0);
            while ((await topics.GetMailboxAsync($"mailbox:desk.writer:{SourceOf(source)}"))?.Handled is not { } handled || handled < expected)
            {
                await Task.Delay(1);
            }
        }

        round.RecordRate(name, "messages/s", messages, Stopwatch.GetElapsedTime(began));
    }

    private static async Task LatencyAsync(Round round)
    {
        await using var engine = await StartAsync(round);
        var topics = new TopicClient(Workflows.ClientOf(engine, Desk));
        var times = new double[round.Scale(500, 50)];
        for (var i = -times.Length / 10; i < times.Length; i++)
        {
            var began = Stopwatch.GetTimestamp();
            var message = await topics.PublishAsync("tickets", "one", Data);
            await topics.WaitForHandledAsync(message.Deliveries[0], message.MessageId);
            if (i >= 0)
            {
                times[i] = Stopwatch.GetElapsedTime(began).TotalMilliseconds;
            }
        }

        Array.Sort(times);
        round.Record("topics.handled.p50", "ms", times[times.Length / 2], higherIsBetter: false);
        round.Record("topics.handled.p95", "ms", times[times.Length * 95 / 100], higherIsBetter: false);
    }

    private static Task<EmbeddedEngine> StartAsync(Round round) =>
        EmbeddedEngine.StartAsync(new EngineOptions { Path = round.NewFile(), Durability = round.Durability }, Workflows.Register);

    private static string SourceOf(int number) => number.ToString("000000", CultureInfo.InvariantCulture);
}
