using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Polyphony.Core.Definitions;
using Polyphony.Core.Topics;
using Polyphony.Engine;

namespace Polyphony.Benchmarks.Interpreter;

/// <summary>What mailboxes cost that have nothing to do: memory and file per idle source; and a restart while many messages wait for handlers that are under way.</summary>
internal static class WaitingMessages
{
    private const int Publishers = 1000;

    private static readonly JsonElement Data = JsonSerializer.SerializeToElement(string.Concat(Enumerable.Repeat("Thirty bytes of a message text", 10)));

    private static readonly WorkflowDefinition Quick = Workflows.Parse("""
        name: quick
        subscriptions: { all: { topic: tickets, maxMessages: 0 } }
        nodes: { note: { transform: "{{ size(input) }}" } }
        """);

    private static readonly WorkflowDefinition Slow = Workflows.Parse("""
        name: slow
        subscriptions: { all: { topic: tickets, maxMessages: 0 } }
        input: { type: string }
        nodes: { hold: { wait: 30d } }
        """);

    internal static async Task RunAsync(Round round)
    {
        await IdleAsync(round, round.Scale(10_000, 100));
        await RestartAsync(round, round.Scale(100_000, 1_000), round.Scale(1_000, 10));
    }

    private static async Task IdleAsync(Round round, int sources)
    {
        var file = round.NewFile();
        await using var engine = await StartAsync(round, file);
        var topics = new TopicClient(Workflows.ClientOf(engine, Quick));
        await PublishAsync(topics, 1, _ => "first");
        await HandledAsync(topics, Quick, "first");
        var before = Memory();
        await PublishAsync(topics, sources, SourceOf);
        for (var source = 0; source < sources; source++)
        {
            await HandledAsync(topics, Quick, SourceOf(source));
        }

        round.Record("mailboxes.idle.memory", "bytes/source", (double)(Memory() - before) / sources, higherIsBetter: false);
        round.Record("mailboxes.idle.file", "bytes/source", (double)new FileInfo(file).Length / sources, higherIsBetter: false);
    }

    private static async Task RestartAsync(Round round, int messages, int sources)
    {
        var file = round.NewFile();
        await using (var engine = await StartAsync(round, file))
        {
            var began = Stopwatch.GetTimestamp();
            await PublishAsync(new TopicClient(Workflows.ClientOf(engine, Slow)), messages, i => SourceOf(i % sources));
            round.RecordRate("mailboxes.waiting.accepted", "messages/s", messages, Stopwatch.GetElapsedTime(began));
        }

        GC.Collect();
        var restarted = Stopwatch.GetTimestamp();
        await using var again = await StartAsync(round, file);
        var topics = new TopicClient(Workflows.ClientOf(again, Slow));
        var mailbox = (await topics.GetMailboxAsync(MailboxOf(Slow, SourceOf(sources - 1))))!;
        round.RecordTime("mailboxes.restart", Stopwatch.GetElapsedTime(restarted));
        if (mailbox.Depth != messages / sources)
        {
            throw new InvalidOperationException($"{mailbox.Depth} messages wait; expected {messages / sources}.");
        }
    }

    private static async Task PublishAsync(TopicClient topics, int count, Func<int, string> sourceOf)
    {
        for (var from = 0; from < count; from += Publishers)
        {
            await Task.WhenAll(Enumerable.Range(from, Math.Min(Publishers, count - from)).Select(i => topics.PublishAsync("tickets", sourceOf(i), Data)));
        }
    }

    private static async Task HandledAsync(TopicClient topics, WorkflowDefinition workflow, string source)
    {
        while (await topics.GetMailboxAsync(MailboxOf(workflow, source)) is not { Handled: > 0 })
        {
            await Task.Delay(1);
        }
    }

    private static long Memory()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return GC.GetTotalMemory(forceFullCollection: true);
    }

    private static Task<EmbeddedEngine> StartAsync(Round round, string file) =>
        EmbeddedEngine.StartAsync(new EngineOptions { Path = file, Durability = round.Durability }, Workflows.Register);

    private static string MailboxOf(WorkflowDefinition workflow, string source) => $"mailbox:{workflow.Name}.all:{source}";

    private static string SourceOf(int number) => number.ToString("000000", CultureInfo.InvariantCulture);
}
