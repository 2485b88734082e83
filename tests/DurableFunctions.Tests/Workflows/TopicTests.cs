using System.Text.Json;
using Polyphony.Core.Topics;

namespace Polyphony.DurableFunctions.Tests.Workflows;

/// <summary>Topics on Azure Storage, where a step may run again whose messages are on their way, and where what a crashed process had taken comes back later than what follows it.</summary>
[Trait("Row", "R5")]
public sealed class TopicTests
{
    private const int Sources = 8;
    private const int Messages = 4;

    private const string Desk = """
        name: desk
        models: { m: { provider: offline } }
        agents: { clerk: { model: m } }
        subscriptions:
          clerk: { topic: orders, agent: clerk, state: { seen: append }, write: { seen: "{{ input }}" }, publish: { topic: bills } }
          bills: { topic: bills }
        nodes: { keep: { transform: "{{ input }}" } }
        """;

    private static CancellationToken Soon => new CancellationTokenSource(TimeSpan.FromMinutes(3)).Token;

    [Fact]
    [Trait("Row", "R4")]
    [Trait("Row", "R6")]
    public async Task Crashes_BetweenMessages_EachIsHandledOnceAndInOrder()
    {
        await using var host = await WorkflowHost.OnAzureStorageAsync(null);
        host.Add(Desk);
        for (var i = 1; i <= Messages; i++)
        {
            // Twice each: a publisher that is not sure.
            await Task.WhenAll(Enumerable.Range(0, Sources).Select(async source =>
            {
                await PublishAsync(host, source, i);
                await PublishAsync(host, source, i);
            }));
            if (i % 2 == 1)
            {
                await host.CrashAsync();
            }
        }

        for (var source = 0; source < Sources; source++)
        {
            var orders = await UntilHandledAsync(host, $"mailbox:desk.clerk:{source}", 2 * Messages);
            var bills = await UntilHandledAsync(host, $"mailbox:desk.bills:{source}", Messages);

            Assert.Equal("{\"seen\":[\"1\",\"2\",\"3\",\"4\"]}", orders.State!.Value.GetRawText());
            Assert.Equal((Messages, Messages, 0, 0), (orders.Handled - orders.Duplicates, orders.Usage.ModelCalls, orders.GivenUp, orders.Depth));
            Assert.Equal((Messages, 0, 0), (bills.Handled - bills.Duplicates, bills.GivenUp, bills.Depth));
        }
    }

    private static Task<PublishedMessage> PublishAsync(WorkflowHost host, int source, int i) =>
        new TopicClient(host.Client).PublishAsync("orders", $"{source}", JsonSerializer.SerializeToElement($"{i}"), $"m{i}", Soon);

    private static async Task<Mailbox> UntilHandledAsync(WorkflowHost host, string id, int messages)
    {
        var soon = Soon;
        for (long version = 0; ;)
        {
            version = (await host.Durable.WaitForChangeAsync(id, version, soon))?.Version ?? 0;
            if (await new TopicClient(host.Client).GetMailboxAsync(id, soon) is { Current: null, Depth: 0 } mailbox && mailbox.Handled >= messages)
            {
                return mailbox;
            }

            if (version == 0)
            {
                await Task.Delay(50, soon);
            }
        }
    }
}
