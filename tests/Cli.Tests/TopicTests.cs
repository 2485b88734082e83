namespace Polyphony.Cli.Tests;

/// <summary>Topics on the command line, by the real tool.</summary>
[Trait("Row", "R2")]
public sealed class TopicTests : IDisposable
{
    private readonly DataFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Publish_Mailboxes_AndDeadLetters_WorkWithoutAHostOfTheirOwn()
    {
        var workflows = Path.GetDirectoryName(_folder.Write("workflows/numbers.yaml", """
            name: numbers
            subscriptions: { add: { topic: numbers, retry: { maxAttempts: 1 } } }
            nodes: { add: { transform: "{{ int(input.n) + 1 }}" } }
            """))!;

        var handled = await RunAsync("publish", "numbers", "a", "n=1", "--wait", "30", "--message-id", "first");
        Assert.Equal((0, "first -> mailbox:numbers.add:a: completed\n2\n"), (handled.Code, handled.Out));
        var failed = await RunAsync("publish", "numbers", "a", "n=x", "--wait", "30", "--message-id", "second");
        Assert.Equal(1, failed.Code);
        Assert.Contains("failed", failed.Out, StringComparison.Ordinal);

        var file = await RunAsync("publish", "numbers", "a", "--input", _folder.Write("three.json", """{"n":3}"""), "--wait", "30", "--message-id", "third");
        Assert.Equal((0, "third -> mailbox:numbers.add:a: completed\n4\n"), (file.Code, file.Out));

        var list = await RunAsync("mailboxes");
        Assert.Equal(0, list.Code);
        Assert.Matches(@"(?m)^mailbox:numbers\.add:a +0 +3 +1 *$", list.Out);
        var letters = await RunAsync("dead-letters", "mailbox:numbers.add:a");
        Assert.Contains("expression_error", letters.Out, StringComparison.Ordinal);

        var dropped = await RunAsync("dead-letters", "mailbox:numbers.add:a", "--drop", "2");
        Assert.Equal((0, "dropped: 2 of mailbox:numbers.add:a\n"), (dropped.Code, dropped.Error));
        Assert.Equal("None.\n", (await RunAsync("dead-letters", "mailbox:numbers.add:a")).Out);

        var nobody = await RunAsync("publish", "number", "a", "x");
        Assert.Equal(2, nobody.Code);
        Assert.Contains("Nobody subscribes to topic \"number\". Known: numbers.", nobody.Error, StringComparison.Ordinal);
        Assert.Equal(2, (await RunAsync("publish", "numbers", "a", "x", "--wait", "61")).Code);
        Assert.Equal(2, (await RunAsync("publish", "numbers", "a")).Code);
        Assert.Equal(2, (await RunAsync("dead-letters", "mailbox:none")).Code);

        Task<(int Code, string Out, string Error)> RunAsync(params string[] arguments) => ToolProcess.RunAsync(_folder.Data, arguments, ("POLYPHONY_WORKFLOWS", workflows));
    }
}
