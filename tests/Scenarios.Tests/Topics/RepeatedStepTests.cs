using System.Collections.Concurrent;
using System.Text.Json;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;
using Polyphony.Core.Topics;

namespace Polyphony.Scenarios.Tests.Topics;

/// <summary>
/// What Azure Storage makes of a crash in the middle of a topic's step: what the step sent is on its way, and the step runs again, with other messages. Here the test sends what the lost step sent.
/// </summary>
[Trait("Row", "R5")]
public sealed class RepeatedStepTests
{
    private const string MailboxId = "mailbox:desk.triage:a";

    private const string Desk = """
        name: desk
        models: { m: { provider: offline } }
        agents: { triage: { model: m } }
        subscriptions: { triage: { topic: tickets, agent: triage, retry: { maxAttempts: 1 } } }
        """;

    [Fact]
    public async Task TwoMessagesOfOneNumber_AreBothHandled_AndEachOnce()
    {
        await using var host = await TestHost.StartAsync();
        var handled = Start(host);
        await PublishAsync(host, "one", "id-1");
        await UntilAsync(host, 1);

        await SendAsync(host, 1, "other", "id-2");
        await SendAsync(host, 1, "other", "id-2");
        await SendAsync(host, 1, "one", "id-1");

        // The topic numbers the one that was lost with the step once more.
        await PublishAsync(host, "other", "id-2");
        await PublishAsync(host, "three", "id-3");
        var mailbox = await UntilAsync(host, 4);

        Assert.Equal(["one", "other", "three"], handled);
        Assert.Equal((4, 1, 0, 0), (mailbox.Handled, mailbox.Duplicates, mailbox.GivenUp, mailbox.Depth));
    }

    [Fact]
    public async Task AMailboxBegunInALostStep_GetsWhatFollows()
    {
        await using var host = await TestHost.StartAsync();
        var handled = Start(host);

        // For another source, so that the definition is pinned.
        await host.Topics.PublishAsync("tickets", "b", JsonSerializer.SerializeToElement("elsewhere"));
        var input = new MailboxInput("tickets", "a", "desk", "triage") { First = Message(host, 1, "one", "id-1") };
        await host.Engine.Client.StartAsync(TaskNames.MailboxOrchestration, JsonSerializer.Serialize(input, CoreJsonContext.Default.MailboxInput), new() { InstanceId = MailboxId });
        await UntilAsync(host, 1);

        // Another message comes before the one of the lost step, which a publisher's host had told accepted.
        await PublishAsync(host, "two", "id-2");
        await PublishAsync(host, "one", "id-1");
        await PublishAsync(host, "three", "id-3");
        await UntilAsync(host, 4);

        Assert.Equal(["one", "two", "three"], handled.Where(text => text != "elsewhere"));
    }

    [Fact]
    [Trait("Row", "R6")]
    public async Task ADeadLetterReplayedByAStepThatRanTwice_IsHandledOnce()
    {
        await using var host = await TestHost.StartAsync();
        var isBroken = true;
        var handled = Start(host, () => isBroken);
        await PublishAsync(host, "one", "id-1");
        await UntilAsync(host, 1);
        var letter = await LetterAsync(host);
        isBroken = false;
        handled.Clear();

        var message = Message(host, 1, "one", "id-1");
        var delivery = new Delivery(MailboxId, "triage", "desk", message.Definition);
        var request = new ReplayRequest(new TopicMessage("id-1", "tickets", "a", message.Data, [delivery]), letter.Time, letter.Attempts);
        for (var i = 0; i < 2; i++)
        {
            await host.Engine.Client.SignalEntityAsync(TopicNames.Topic("tickets", "a"), TopicEntity.Replay, JsonSerializer.Serialize(request, CoreJsonContext.Default.ReplayRequest));
        }

        await UntilAsync(host, 3);

        Assert.Equal(["one"], handled);
    }

    private static ConcurrentQueue<string> Start(TestHost host, Func<bool>? isBroken = null)
    {
        host.AddWorkflow(Desk);
        var handled = new ConcurrentQueue<string>();
        host.Models.Respond = (_, messages, _, _) =>
        {
            handled.Enqueue(messages[^1].Text);
            return isBroken?.Invoke() == true ? throw new InvalidOperationException("no") : Task.FromResult(TestModels.Text("ok"));
        };
        return handled;
    }

    private static MailboxMessage Message(TestHost host, long number, string text, string id) => new()
    {
        Number = number,
        Id = id,
        Time = host.Clock.GetUtcNow(),
        Data = Payload.Inline(JsonSerializer.SerializeToElement(text)),
        Definition = host.Client.Catalog.Find("desk")!.Subscriptions[0].Handler!.Hash,
    };

    private static Task SendAsync(TestHost host, long number, string text, string id) =>
        host.Engine.Client.RaiseEventAsync(MailboxId, EventNames.Message, JsonSerializer.Serialize(Message(host, number, text, id), CoreJsonContext.Default.MailboxMessage));

    private static Task PublishAsync(TestHost host, string text, string id) => host.Topics.PublishAsync("tickets", "a", JsonSerializer.SerializeToElement(text), id);

    /// <summary>The letter is sent with the step that gives the message up, and arrives later.</summary>
    private static async Task<DeadMessage> LetterAsync(TestHost host)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (true)
        {
            if (await host.Topics.ListDeadLettersAsync(MailboxId, limit.Token) is [var letter])
            {
                return letter;
            }

            await Task.Delay(10, limit.Token);
        }
    }

    private static async Task<Mailbox> UntilAsync(TestHost host, long handled)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        for (long version = 0; ;)
        {
            version = (await host.Engine.Client.WaitForChangeAsync(MailboxId, version, limit.Token))?.Version ?? 0;
            if (await host.Topics.GetMailboxAsync(MailboxId, limit.Token) is { Current: null } mailbox && mailbox.Handled >= handled)
            {
                return mailbox;
            }

            if (version == 0)
            {
                await Task.Delay(10, limit.Token);
            }
        }
    }
}
