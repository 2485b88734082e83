namespace Polyphony.Scenarios.Tests;

/// <summary>Each orchestration pattern once, from the file to the result.</summary>
public sealed class PatternTests
{
    [Fact]
    [Trait("Row", "O1")]
    public async Task Sequence_ThreeAgents_EachGetsWhatTheEarlierOnesSaid()
    {
        await using var host = await TestHost.StartAsync();
        host.Models.Respond = (_, messages, _, _) => Task.FromResult(TestModels.Text(string.Join("+", messages.Select(message => message.Text))));
        var status = await host.RunAsync("""
            name: sequence
            models: { m: { provider: offline } }
            agents: { a: { model: m }, b: { model: m }, c: { model: m } }
            nodes:
              first: { agent: a, prompt: "1" }
              second: { agent: b, prompt: "2" }
              third: { agent: c, prompt: "3" }
            """);
        Assert.Equal("completed", StopReasonOf(status));
        Assert.Equal(3, status.Outcomes!.Count);
        Assert.Equal("1", status.Outcomes[0].Result!.Value.GetString());
        var third = status.Output!.Value.GetString()!;
        Assert.Contains("1", third);
        Assert.Contains("2", third);
        Assert.EndsWith("3", third);
    }

    private static string StopReasonOf(Core.Client.WorkflowStatus status) =>
        status.StopReason is { } reason ? Core.Interpreter.StopReasons.Name(reason) : "none";
}
