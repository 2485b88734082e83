using System.Text.Json;
using Polyphony.Core.CodeFirst;
using Polyphony.Core.Definitions;
using Polyphony.Core.Topics;

namespace Polyphony.Scenarios.Tests.Topics;

/// <summary>Workflows in C# that publish.</summary>
[Trait("Row", "R1")]
[Trait("Row", "O14")]
public sealed class CodePublishTests
{
    private const string Sink = """
        name: sink
        input: { type: object, required: [text] }
        subscriptions: { take: { topic: news } }
        state: { sizes: append }
        nodes: { keep: { transform: "{{ size(input.text) }}", write: { sizes: "{{ output }}" } } }
        """;

    [Fact]
    public async Task Publish_FromCode_ReachesTheMailboxOnceAndRefusesWhatNobodyGets()
    {
        var code = new CodeWorkflows().Add(new WorkflowBuilder("press"), async (workflow, input) =>
        {
            var given = await workflow.PublishAsync("news", "day", new { text = "a" }, "first");
            var again = await workflow.PublishAsync("news", "day", new { text = "never seen" }, "first");
            var made = await workflow.PublishAsync("news", "day", new { text = new string('x', 50_000) });
            var refused = new List<string>();
            foreach (var (topic, source, data) in new (string, string, object?)[] { ("gossip", "day", new { text = "b" }), ("news", "", new { text = "b" }), ("news", "day", new { words = 1 }) })
            {
                refused.Add((await Assert.ThrowsAsync<AgentFailedException>(() => workflow.PublishAsync(topic, source, data))).Error.Code);
            }

            return JsonSerializer.SerializeToElement(new { given, again, made, refused });
        });
        await using var host = await TestHost.StartAsync(code: code);
        host.AddWorkflow(Sink);

        var id = await host.Client.StartAsync("press", JsonElement.Parse("{}"));
        var output = (await host.WaitAsync(id)).Output!.Value;

        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await host.Topics.WaitForHandledAsync(new MessageDelivery("sink", "take", "mailbox:sink.take:day", ""), output.GetProperty("made").GetString()!, limit.Token);
        Assert.Equal(["no_subscriber", "topic_invalid", "input_invalid"], output.GetProperty("refused").EnumerateArray().Select(code => code.GetString()!));
        var mailbox = (await host.Topics.GetMailboxAsync("mailbox:sink.take:day"))!;
        Assert.Equal(("""{"sizes":[1,50000]}""", 1, 3), (mailbox.State!.Value.GetRawText(), mailbox.Duplicates, mailbox.Handled));
        Assert.Equal(("first", "first", $"{id}/publish#3"), (output.GetProperty("given").GetString(), output.GetProperty("again").GetString(), output.GetProperty("made").GetString()));
    }
}
