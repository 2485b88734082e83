using System.Collections.Concurrent;
using System.Text.Json;
using Polyphony.Core.Client;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;
using Polyphony.Core.Topics;

namespace Polyphony.Scenarios.Tests.Topics;

/// <summary>Messages of topics: who gets them, in which order, how often, and what is kept per source.</summary>
[Trait("Row", "R1")]
public sealed class TopicTests
{
    private const string Desk = """
        name: desk
        models: { m: { provider: offline } }
        agents: { triage: { model: m } }
        subscriptions:
          triage: { topic: tickets, agent: triage, state: { seen: sum, last: replace }, write: { seen: 1, last: "{{ input }}" } }
        """;

    [Fact]
    [Trait("Row", "R4")]
    public async Task MessagesOfASource_AreHandledOneAtATimeInOrder_ThoseOfOthersBeside()
    {
        await using var host = await TestHost.StartAsync(interpreter: new InterpreterOptions { OperationsPerGeneration = 20 });
        host.AddWorkflow(Desk);
        var handled = new ConcurrentQueue<string>();
        var underWay = new ConcurrentDictionary<string, int>(StringComparer.Ordinal);
        var gate = new TaskCompletionSource();
        host.Models.Respond = async (_, messages, _, _) =>
        {
            var text = messages[^1].Text;
            Assert.Equal(1, underWay.AddOrUpdate(text[..1], 1, (_, count) => count + 1));
            if (text == "b0")
            {
                // The first of b goes on only when all of a are through.
                await gate.Task;
            }

            handled.Enqueue(text);
            if (text == "a11")
            {
                gate.SetResult();
            }

            underWay.AddOrUpdate(text[..1], 0, (_, count) => count - 1);
            return TestModels.Text($"re {text}");
        };

        var last = new List<PublishedMessage>();
        for (var i = 0; i < 12; i++)
        {
            foreach (var source in (string[])["a", "b"])
            {
                last.Add(await PublishAsync(host, "tickets", source, $"{source}{i}"));
            }
        }

        await HandledAsync(host, last[^1]);
        await HandledAsync(host, last[^2]);

        foreach (var source in (string[])["a", "b"])
        {
            Assert.Equal(Enumerable.Range(0, 12).Select(i => $"{source}{i}"), handled.Where(text => text.StartsWith(source, StringComparison.Ordinal)));
            var mailbox = await MailboxAsync(host, source);
            Assert.Equal((12, 0, 0, null), (mailbox.Handled, mailbox.Depth, mailbox.GivenUp, mailbox.Current));
            Assert.Equal($$"""{"last":"{{source}}11","seen":12}""", mailbox.State!.Value.GetRawText());
            Assert.Equal(12, mailbox.Usage.ModelCalls);
        }
    }

    [Fact]
    [Trait("Row", "S4")]
    public async Task Conversation_OfASource_IsWhatWasSaidThereAndNothingElse()
    {
        await using var host = await TestHost.StartAsync();
        host.AddWorkflow(Desk.Replace("topic: tickets,", "topic: tickets, maxMessages: 4,", StringComparison.Ordinal));
        var heard = new ConcurrentDictionary<string, string>(StringComparer.Ordinal);
        host.Models.Respond = (_, messages, _, _) =>
        {
            heard[messages[^1].Text] = string.Join(" / ", messages.Select(message => $"{message.Role}: {message.Text}"));
            return Task.FromResult(TestModels.Text($"re {messages[^1].Text}"));
        };

        for (var i = 1; i <= 4; i++)
        {
            await HandledAsync(host, await PublishAsync(host, "tickets", "ann", $"ann{i}"));
            await HandledAsync(host, await PublishAsync(host, "tickets", "bob", $"bob{i}"));
        }

        Assert.Equal("user: bob1", heard["bob1"]);
        Assert.Equal("user: ann1 / assistant: re ann1 / user: ann2 / assistant: re ann2 / user: ann3", heard["ann3"]);
        Assert.Equal("user: ann2 / assistant: re ann2 / user: ann3 / assistant: re ann3 / user: ann4", heard["ann4"]);
        Assert.Equal(4, (await MailboxAsync(host, "ann")).ConversationMessages);
    }

    [Fact]
    [Trait("Row", "R6")]
    public async Task TheSameMessageId_IsHandledOnce_ForSevenDaysAtLeast()
    {
        await using var host = await TestHost.StartAsync(interpreter: new InterpreterOptions { OperationsPerGeneration = 5 });
        host.AddWorkflow(Desk);
        var handled = new ConcurrentQueue<string>();
        host.Models.Respond = Echo(handled);

        var first = await PublishAsync(host, "tickets", "a", "one", "id-1");
        await HandledAsync(host, first);
        await PublishAsync(host, "tickets", "a", "one again", "id-1");
        await HandledAsync(host, await PublishAsync(host, "tickets", "a", "two", "id-2"));
        host.Clock.Advance(TimeSpan.FromDays(6.9));
        var late = await PublishAsync(host, "tickets", "a", "one at last", "id-1");
        await HandledAsync(host, await PublishAsync(host, "tickets", "a", "three", "id-3"));

        Assert.Equal(["one", "two", "three"], handled);
        Assert.Equal(2, (await MailboxAsync(host, "a")).Duplicates);

        // Whoever asks for the result of the message gets the first and only one.
        Assert.Equal("re one", (await HandledAsync(host, late)).Output!.Value.GetString());

        // Some time later it is forgotten, and another message: its run gets the next free id, and pays for its own answer.
        host.Clock.Advance(TimeSpan.FromDays(9));
        await HandledAsync(host, await PublishAsync(host, "tickets", "a", "four", "id-4"));
        await PublishAsync(host, "tickets", "a", "one anew", "id-1");
        await UntilAsync(host, "mailbox:desk.triage:a", mailbox => mailbox.Handled == 7);
        Assert.Equal(["one", "two", "three", "four", "one anew"], handled);
        Assert.Equal("re one anew", (await host.Client.GetAsync("mailbox:desk.triage:a:id-1:2"))!.Output!.Value.GetString());

        // The same id at another source is another message.
        await HandledAsync(host, await PublishAsync(host, "tickets", "b", "elsewhere", "id-1"));
        Assert.Equal("elsewhere", handled.Last());
    }

    [Fact]
    [Trait("Row", "R5")]
    public async Task AMessageThatCannotBeHandled_BecomesADeadLetter_AndTheNextHasItsTurn()
    {
        await using var host = await TestHost.StartAsync();
        host.AddWorkflow(Desk.Replace("topic: tickets,", "topic: tickets, retry: { maxAttempts: 2, firstDelay: 1m },", StringComparison.Ordinal));
        var handled = new ConcurrentQueue<string>();
        var isBroken = true;
        host.Models.Respond = (_, messages, _, _) =>
        {
            handled.Enqueue(messages[^1].Text);
            return isBroken && messages[^1].Text == "poison"
                ? throw new Activities.Providers.ModelException(new CallError(ErrorCodes.ContentFilter, "not that", ErrorKind.Terminal))
                : Task.FromResult(TestModels.Text("ok"));
        };

        await PublishAsync(host, "tickets", "a", "before");
        var poison = await PublishAsync(host, "tickets", "a", "poison");
        await HandledAsync(host, await PublishAsync(host, "tickets", "a", "after"));

        Assert.Equal(["before", "poison", "poison", "after"], handled);
        var id = poison.Deliveries[0].MailboxId;
        var letter = Assert.Single(await LettersAsync(host, id, 1));
        Assert.Equal((2, poison.MessageId, 2, "poison"), (letter.Number, letter.MessageId, letter.Attempts, letter.Data.GetString()));
        Assert.Equal("content_filter", letter.Reason.Code);
        Assert.Contains("not that", letter.Reason.Message, StringComparison.Ordinal);
        Assert.Equal(2, (await MailboxAsync(host, "a")).State!.Value.GetProperty("seen").GetInt32());

        // A letter that is not there is neither replayed nor dropped.
        Assert.False(await host.Topics.ReplayAsync(id, 1));
        Assert.False(await host.Topics.DropAsync(id, 99));
        isBroken = false;
        Assert.True(await host.Topics.ReplayAsync(id, letter.Number));
        await UntilAsync(host, id, mailbox => mailbox.Handled == 4);
        await HandledAsync(host, await PublishAsync(host, "tickets", "a", "last"));
        Assert.Equal(["before", "poison", "poison", "after", "poison", "last"], handled);
        Assert.Empty(await LettersAsync(host, id, 0));
        Assert.Equal("ok", (await HandledAsync(host, poison)).Output!.Value.GetString());

        isBroken = true;
        await HandledAsync(host, await PublishAsync(host, "tickets", "a", "poison"));
        var second = Assert.Single(await LettersAsync(host, id, 1));
        Assert.True(await host.Topics.DropAsync(id, second.Number));
        await UntilAsync(host, id, mailbox => mailbox.Handled == 6);
        Assert.Empty(await LettersAsync(host, id, 0));
    }

    [Fact]
    [Trait("Row", "R5")]
    public async Task AMessageWhoseHandlingCannotBegin_IsGivenUp_AndTheNextHasItsTurn()
    {
        await using var host = await TestHost.StartAsync();
        host.AddWorkflow(Desk);
        var handled = new ConcurrentQueue<string>();
        host.Models.Respond = Echo(handled);

        // As if the store of definitions had been lost.
        var delivery = new Delivery("mailbox:desk.triage:a", "triage", "desk", new string('0', 64));
        var lost = new TopicMessage("lost", "tickets", "a", Payload.Inline(JsonSerializer.SerializeToElement("x")), [delivery]);
        await host.Engine.Client.SignalEntityAsync(TopicNames.Topic("tickets", "a"), TopicEntity.Publish, JsonSerializer.Serialize(lost, CoreJsonContext.Default.TopicMessage));
        await HandledAsync(host, await PublishAsync(host, "tickets", "a", "next"));

        Assert.Equal(["next"], handled);
        Assert.Equal("definition_not_found", Assert.Single(await LettersAsync(host, delivery.Mailbox, 1)).Reason.Code);

        // Who waits for the message is told so.
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var given = await host.Topics.WaitForHandledAsync(new MessageDelivery("desk", "triage", delivery.Mailbox, ""), "lost", limit.Token);
        Assert.Equal((StopReason.Failed, "definition_not_found"), (given.StopReason, given.Error!.Code));

        // Also if another has been given up since, and is named by the mailbox.
        await host.Engine.Client.SignalEntityAsync(
            TopicNames.Topic("tickets", "a"), TopicEntity.Publish, JsonSerializer.Serialize(lost with { Id = "lost too" }, CoreJsonContext.Default.TopicMessage), limit.Token);
        Assert.Equal(StopReason.Failed, (await host.Topics.WaitForHandledAsync(new MessageDelivery("desk", "triage", delivery.Mailbox, ""), "lost too", limit.Token)).StopReason);
        Assert.Equal("definition_not_found", (await host.Topics.WaitForHandledAsync(new MessageDelivery("desk", "triage", delivery.Mailbox, ""), "lost", limit.Token)).Error!.Code);
        await LettersAsync(host, delivery.Mailbox, 2);
        Assert.True(await host.Topics.DropAsync(delivery.Mailbox, 3));

        // The definition is known now: the letter is handled by the subscription as it is.
        Assert.True(await host.Topics.ReplayAsync(delivery.Mailbox, 1));
        await UntilAsync(host, delivery.Mailbox, mailbox => mailbox.Handled == 4);
        Assert.Equal(["next", "x"], handled);
    }

    [Fact]
    [Trait("Row", "R3")]
    public async Task EverySubscriber_GetsEveryMessageOfItsTopicAndSources_AndNobodyElse()
    {
        await using var host = await TestHost.StartAsync();
        host.AddWorkflow("""
            name: log
            subscriptions: { all: { topic: tickets } }
            nodes: { note: { transform: "{{ message.topic + '/' + message.source + ': ' + input }}" } }
            """);
        host.AddWorkflow(Desk.Replace("topic: tickets,", "topic: tickets, sourcePrefix: eu-,", StringComparison.Ordinal));
        var handled = new ConcurrentQueue<string>();
        host.Models.Respond = Echo(handled);

        var eu = await PublishAsync(host, "tickets", "eu-1", "hi");
        var us = await PublishAsync(host, "tickets", "us-1", "hello");

        Assert.Equal(["desk", "log"], eu.Deliveries.Select(delivery => delivery.Workflow));
        Assert.Equal(["log"], us.Deliveries.Select(delivery => delivery.Workflow));
        foreach (var message in (PublishedMessage[])[eu, us])
        {
            foreach (var delivery in message.Deliveries)
            {
                await host.Topics.WaitForHandledAsync(delivery, message.MessageId);
            }
        }

        Assert.Equal(["hi"], handled);
        Assert.Equal("tickets/us-1: hello", (await HandledAsync(host, us)).Output!.Value.GetString());
        Assert.Equal([("tickets", "desk"), ("tickets", "log")], host.Topics.ListSubscriptions().Select(each => (each.Topic, each.Workflow)));
    }

    [Theory]
    [Trait("Row", "R2")]
    [InlineData("ticket", "a", "no_subscriber", "Nobody subscribes to topic \"ticket\". Known: tickets.")]
    [InlineData("tickets", "us-1", "no_subscriber", "Subscribed are the sources that begin with \"eu-\"")]
    [InlineData("Tickets", "eu-1", "topic_invalid", "\"Tickets\" is no topic type")]
    [InlineData("tickets", "", "topic_invalid", "\"\" is no source")]
    [InlineData("tickets", "eu-\n", "topic_invalid", "is no source")]
    public async Task AMessageThatNobodyGets_IsRefused(string topic, string source, string code, string text)
    {
        await using var host = await TestHost.StartAsync();
        host.AddWorkflow(Desk.Replace("topic: tickets,", "topic: tickets, sourcePrefix: eu-,", StringComparison.Ordinal));

        var refused = await Assert.ThrowsAsync<PolyphonyException>(() => PublishAsync(host, topic, source, "x"));

        Assert.Equal(code, refused.Code);
        Assert.Contains(text, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task DataThatDoesNotFit_IsRefused()
    {
        await using var host = await TestHost.StartAsync();
        host.AddWorkflow(Desk.Replace("topic: tickets,", "topic: tickets, schema: { type: object, required: [text] },", StringComparison.Ordinal));

        var refused = await Assert.ThrowsAsync<SchemaViolationException>(() => PublishAsync(host, "tickets", "a", "x"));

        Assert.Equal("input_invalid", refused.Code);
        Assert.Null(await host.Topics.GetMailboxAsync("mailbox:desk.triage:a"));
    }

    [Fact]
    public async Task WhatAHandlerPublishes_GoesOutWithItsAcknowledgement_AndNotIfItFails()
    {
        await using var host = await TestHost.StartAsync();
        host.AddWorkflow("""
            name: relay
            models: { m: { provider: offline } }
            agents: { check: { model: m } }
            subscriptions: { take: { topic: orders, retry: { maxAttempts: 1 } } }
            nodes:
              announce: { publish: seen, data: "{{ input }}" }
              check: { agent: check, prompt: "{{ input }}" }
              done: { publish: bills, source: "{{ 'bill-' + message.source }}", data: { order: "{{ input }}", answer: "{{ nodes.check.output }}" }, messageId: "{{ message.id + '-bill' }}" }
            """);
        host.AddWorkflow("""
            name: sink
            subscriptions: { seen: { topic: seen }, bills: { topic: bills } }
            state: { kept: replace }
            nodes: { keep: { transform: "{{ input }}", write: { kept: "{{ output }}" } } }
            """);
        host.Models.Respond = (_, messages, _, _) => messages[^1].Text == "bad"
            ? throw new Activities.Providers.ModelException(new CallError(ErrorCodes.ContentFilter, "no", ErrorKind.Terminal))
            : Task.FromResult(TestModels.Text("fine"));

        await HandledAsync(host, await PublishAsync(host, "orders", "a", "bad"));
        Assert.Null(await host.Topics.GetMailboxAsync("mailbox:sink.seen:a"));
        await HandledAsync(host, await PublishAsync(host, "orders", "a", "good", "m1"));

        await host.Topics.WaitForHandledAsync(new MessageDelivery("sink", "bills", "mailbox:sink.bills:bill-a", ""), "m1-bill");
        var bills = (await host.Topics.GetMailboxAsync("mailbox:sink.bills:bill-a"))!;
        Assert.Equal("""{"kept":{"order":"good","answer":"fine"}}""", bills.State!.Value.GetRawText());
        Assert.Equal(1, (await host.Topics.GetMailboxAsync("mailbox:sink.seen:a"))!.Handled);
    }

    [Fact]
    public async Task APublishNode_OfARunThatWasStarted_SendsAtOnce_AndFailsWhereNobodySubscribes()
    {
        await using var host = await TestHost.StartAsync();
        host.AddWorkflow("""
            name: sink
            subscriptions: { take: { topic: news } }
            state: { kept: replace }
            nodes: { keep: { transform: "{{ input }}", write: { kept: "{{ output }}" } } }
            """);
        var large = new string('x', 50_000);

        var run = await host.RunAsync("""
            name: press
            nodes:
              say: { forEach: "{{ [1, 2, 3] }}", publish: news, source: "{{ 'day-' + string(item) }}", data: "{{ input.text }}" }
              wrong: { publish: gossip, source: x, data: 1, onError: { value: "{{ error.code }}" } }
            """, new { text = large });

        Assert.Equal("completed", run.Reason());
        Assert.Equal("no_subscriber", run.Output!.Value.GetString());
        foreach (var day in (string[])["day-1", "day-2", "day-3"])
        {
            var receipt = run.Outcomes!.Single(outcome => outcome.Outcome.Activation == $"say[{day[^1] - '1'}]").Result!.Value;
            Assert.Equal($"mailbox:sink.take:{day}", receipt.GetProperty("mailboxes")[0].GetString());
            await host.Topics.WaitForHandledAsync(new MessageDelivery("sink", "take", $"mailbox:sink.take:{day}", ""), receipt.GetProperty("messageId").GetString()!);
            Assert.Equal(large, (await host.Topics.GetMailboxAsync($"mailbox:sink.take:{day}"))!.State!.Value.GetProperty("kept").GetString());
        }

        // The data is the mailbox's own: the run that published it may be purged.
        await host.Client.Durable.PurgeAsync(run.InstanceId);
        Assert.Equal(large, (await host.Topics.GetMailboxAsync("mailbox:sink.take:day-1"))!.State!.Value.GetProperty("kept").GetString());
    }

    [Fact]
    public async Task Idle_EndsTheStateAndTheConversation()
    {
        await using var host = await TestHost.StartAsync();
        host.AddWorkflow(Desk.Replace("topic: tickets,", "topic: tickets, idle: 30m,", StringComparison.Ordinal));
        host.Models.Respond = Echo(new ConcurrentQueue<string>());

        await HandledAsync(host, await PublishAsync(host, "tickets", "a", "one"));
        host.Clock.Advance(TimeSpan.FromMinutes(29));
        await HandledAsync(host, await PublishAsync(host, "tickets", "a", "two"));
        Assert.Equal(2, (await MailboxAsync(host, "a")).State!.Value.GetProperty("seen").GetInt32());
        host.Clock.Advance(TimeSpan.FromMinutes(31));
        await HandledAsync(host, await PublishAsync(host, "tickets", "a", "three"));

        var mailbox = await MailboxAsync(host, "a");
        Assert.Equal((1, 2, 3), (mailbox.State!.Value.GetProperty("seen").GetInt32(), mailbox.ConversationMessages, mailbox.Handled));
    }

    [Fact]
    [Trait("Row", "R5")]
    public async Task AChangedSubscription_LosesNothingThatWaits()
    {
        await using var host = await TestHost.StartAsync();
        host.AddWorkflow(Desk);
        var handled = new ConcurrentQueue<string>();
        host.Models.Respond = Echo(handled);
        var id = (await PublishAsync(host, "tickets", "a", "first")).Deliveries[0].MailboxId;
        await HandledAsync(host, await PublishAsync(host, "tickets", "a", "second"));
        await host.Client.Durable.SuspendAsync(id);
        var third = await PublishAsync(host, "tickets", "a", "third");
        await UntilAsync(host, id, mailbox => mailbox.Depth == 1);

        // The subscription wants other sources now, and then is gone altogether.
        host.AddWorkflow(Desk.Replace("topic: tickets,", "topic: tickets, sourcePrefix: b,", StringComparison.Ordinal));
        await Assert.ThrowsAsync<PolyphonyException>(() => PublishAsync(host, "tickets", "a", "fourth"));
        host.AddWorkflow("{ name: desk, nodes: { a: { transform: 1 } } }");
        await host.Client.Durable.ResumeAsync(id);
        await HandledAsync(host, third);

        Assert.Equal(["first", "second", "third"], handled);
    }

    private static TestModels.Answer Echo(ConcurrentQueue<string> handled) => (_, messages, _, _) =>
    {
        handled.Enqueue(messages[^1].Text);
        return Task.FromResult(TestModels.Text($"re {messages[^1].Text}"));
    };

    private static Task<PublishedMessage> PublishAsync(TestHost host, string topic, string source, string data, string? id = null) =>
        host.Topics.PublishAsync(topic, source, TestHost.Json(JsonSerializer.SerializeToElement(data)), id);

    private static async Task<HandledResult> HandledAsync(TestHost host, PublishedMessage message)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        return await host.Topics.WaitForHandledAsync(message.Deliveries[^1], message.MessageId, limit.Token);
    }

    /// <summary>Waits until a mailbox fulfils a condition. What its topic counts changes without a change of the mailbox, so it is looked at now and then as well.</summary>
    private static async Task UntilAsync(TestHost host, string id, Func<Mailbox, bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!condition((await host.Topics.GetMailboxAsync(id, limit.Token))!))
        {
            await Task.Yield();
        }
    }

    /// <summary>Reads the dead letters of a mailbox once there are so many: they are kept by an operation that follows the mailbox's step.</summary>
    private static async Task<IReadOnlyList<DeadMessage>> LettersAsync(TestHost host, string id, int count)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (true)
        {
            if (await host.Topics.ListDeadLettersAsync(id, limit.Token) is { } letters && letters.Count == count)
            {
                return letters;
            }

            await Task.Yield();
        }
    }

    private static async Task<Mailbox> MailboxAsync(TestHost host, string source) => (await host.Topics.GetMailboxAsync($"mailbox:desk.triage:{source}"))!;
}
