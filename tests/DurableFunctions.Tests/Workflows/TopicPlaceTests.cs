using System.Text.Json;
using Polyphony.Core.Runs;
using Polyphony.Core.Topics;

namespace Polyphony.DurableFunctions.Tests.Workflows;

/// <summary>A limit on how many messages of a subscription are handled at the same time, on Azure Storage: handlers work until they are told to go on.</summary>
[Trait("Row", "R4")]
public sealed class TopicPlaceTests
{
    private const int Sources = 5;

    private const string Desk = """
        name: desk
        input: { type: integer }
        subscriptions: { clerk: { topic: orders, maxConcurrency: 2 } }
        nodes: { pause: { wait: { event: go } } }
        """;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("Row", "H8")]
    public async Task Places_OnDurableTask_AreTakenInOrderAndLeftByTheTerminated()
    {
        await using var host = await WorkflowHost.OnAzureStorageAsync(null);
        host.Add(Desk);
        var topics = new TopicClient(host.Client);
        var runs = new List<string>();
        for (var i = 0; i < Sources; i++)
        {
            var message = await topics.PublishAsync("orders", $"{i}", JsonSerializer.SerializeToElement(i), $"m{i}", Token);
            runs.Add(message.Deliveries[0].RunId);
            await UntilAsync(host, runs[i], wait => i < 2 ? wait.Kind == "event" : wait is { Kind: "place", Position: { } position } && position == i - 1);
        }

        Assert.True((await topics.GetMailboxAsync("mailbox:desk.clerk:4", Token))!.Current!.WaitsForPlace);
        Assert.False((await topics.GetMailboxAsync("mailbox:desk.clerk:0", Token))!.Current!.WaitsForPlace);

        await host.Durable.TerminateAsync(runs[0], null, Token);
        for (var i = 1; i < Sources; i++)
        {
            // The one after it has the place of the one before it.
            await UntilAsync(host, runs[i], wait => wait.Kind == "event");
            if (i + 1 < Sources)
            {
                await UntilAsync(host, runs[i + 1], wait => wait.Kind == "event");
            }

            for (var later = i + 2; later < Sources; later++)
            {
                Assert.Equal("place", Assert.Single((await host.Client.GetAsync(runs[later], null, Token))!.CustomStatus!.WaitingFor).Kind);
            }

            await host.Durable.RaiseEventAsync(runs[i], "go", "1", Token);
            Assert.Equal(StopReason.Completed, (await host.WaitAsync(runs[i])).StopReason);
        }
    }

    private static async Task UntilAsync(WorkflowHost host, string run, Func<PendingWait, bool> condition)
    {
        while ((await host.Client.GetAsync(run, null, Token))?.CustomStatus?.WaitingFor is not [var wait] || !condition(wait))
        {
            await Task.Delay(50, Token);
        }
    }
}
