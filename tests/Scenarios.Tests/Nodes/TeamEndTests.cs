using Microsoft.Extensions.AI;

namespace Polyphony.Scenarios.Tests.Nodes;

/// <summary>How teams end: conditions, limits, failures and time, and one team per item.</summary>
[Trait("Row", "O11")]
public sealed class TeamEndTests
{
    [Theory]
    [InlineData("{ textMention: cleo }", "completed", 3)]
    [InlineData("{ textMention: \"2\", from: ann }", "max_turns", 6)]
    [InlineData("{ textMention: \"2\", from: debate }", "completed", 2)]
    [InlineData("{ maxMessages: 2 }", "max_turns", 2)]
    [InlineData("{ maxTokens: 40 }", "max_tokens", 3)]
    [InlineData("{ when: \"message.agent == 'bob' && usage.modelCalls > 2\" }", "completed", 5)]
    [InlineData("{ when: \"message.text == input.task + '!'\" }", "max_turns", 6)]
    [InlineData("{ timeout: 1s }", "timeout", 2)]
    [InlineData("{ handoff: editor }", "handoff", 6)]
    [InlineData("{ all: [{ textMention: ann }, { maxMessages: 3 }] }", "max_turns", 3)]
    public async Task Termination_OfATeam_EndsItWithOneReason(string termination, string reason, int turns)
    {
        await using var host = await TestHost.StartAsync();
        var said = 0;
        host.Models.Respond = async (model, _, _, cancellationToken) =>
        {
            await Task.Delay(TimeSpan.FromMilliseconds(600), host.Clock, cancellationToken);
            return TestModels.Text(++said == 6 && reason == "handoff" ? """{"handoff":"editor"}""" : $"{model} {said}");
        };
        var yaml = Teams.Team($"maxTurns: 6, termination: {termination}").Replace("cleo: { model: cleo }", reason == "handoff" ? "cleo: { model: cleo, output: { type: object } }" : "cleo: { model: cleo }", StringComparison.Ordinal);
        host.Models.Respond = reason != "handoff" ? host.Models.Respond : (model, _, _, _) => Task.FromResult(
            TestModels.Text(++said < 6 ? """{"text":"x"}""" : """{"handoff":"editor"}"""));

        var status = await host.RunAsync(yaml, Teams.Input);

        // What ends a team does not end the run.
        Assert.Equal(("completed", reason, turns), (status.Reason(), status.Output!.Value.GetProperty("stopReason").GetString(), status.Output.Value.GetProperty("turns").GetInt32()));
        Assert.Equal(turns, status.Output.Value.GetProperty("messages").GetArrayLength());
    }

    [Fact]
    public async Task Limit_OfTheRun_StopsTheTeamAndKeepsItsTurns()
    {
        await using var host = await TestHost.StartAsync();

        var status = await host.RunAsync(Teams.Team("maxTurns: 9").Replace("name: talk", "name: talk\nlimits: { maxModelCalls: 3 }", StringComparison.Ordinal), Teams.Input);

        Assert.Equal(("max_model_calls", 3), (status.Reason(), host.Models.Calls));
        Assert.Equal(["debate.1", "debate.2", "debate.3"], status.Outcomes!.Select(outcome => outcome.Outcome.Activation));
    }

    [Fact]
    [Trait("Row", "H5")]
    public async Task Rewind_AfterATurnHasFailed_PaysNoTurnAgain()
    {
        await using var host = await TestHost.StartAsync();
        var isDown = true;
        host.Models.Respond = (model, _, _, _) => model == "cleo" && isDown
            ? throw new Activities.Providers.ModelException(new Core.Runs.CallError("invalid_request", "No.", Core.Runs.ErrorKind.Terminal))
            : Task.FromResult(TestModels.Text(model));

        var id = await host.StartAsync(Teams.Team("maxTurns: 4"), Teams.Input);
        var failed = await host.WaitAsync(id);
        Assert.Equal(("failed", "invalid_request", 3), (failed.Reason(), failed.Error!.Code, host.Models.Calls));

        isDown = false;
        await host.Client.RewindAsync(id, "it is up again");
        var status = await host.WaitAsync(id);

        Assert.Equal(("completed", 5), (status.Reason(), host.Models.Calls));
        Assert.Equal(["ann", "bob", "cleo", "ann"], Teams.Speakers(status));
    }

    [Fact]
    [Trait("Row", "C9")]
    public async Task Timeout_OfTheNode_EndsTheTurnUnderWay()
    {
        await using var host = await TestHost.StartAsync();
        var cancelled = new TaskCompletionSource();
        host.Models.Respond = async (model, _, _, cancellationToken) =>
        {
            try
            {
                await Task.Delay(TimeSpan.FromSeconds(4), host.Clock, cancellationToken);
            }
            catch (OperationCanceledException)
            {
                cancelled.TrySetResult();
                throw;
            }

            return TestModels.Text(model);
        };

        var status = await host.RunAsync(Teams.Team("maxTurns: 9, timeout: 10s, onError: { value: { late: true } }"), Teams.Input);

        Assert.Equal(("completed", """{"late":true}"""), (status.Reason(), status.Output!.Value.GetRawText()));
        Assert.Equal(10, (int)(status.CompletedTime!.Value - status.CreatedTime).TotalSeconds);
        await cancelled.Task.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
    }

    // 200 turns of 3 KB: neither calls nor the result fit a message, and no call carries what was said before.

    [Fact]
    public async Task ForEach_OfTeams_RunsOneForEachItem()
    {
        await using var host = await TestHost.StartAsync();
        host.Models.Respond = (model, messages, _, _) => Task.FromResult(TestModels.Text($"{model} on {messages.First(message => message.Role == ChatRole.User).Text}"));

        var status = await host.RunAsync(
            Teams.Team("forEach: \"{{ ['x', 'y'] }}\", maxTurns: 2").Replace("Decide: {{ input.task }}", "{{ item }}", StringComparison.Ordinal), Teams.Input);

        Assert.Equal("completed", status.Reason());
        Assert.Equal(["bob on x", "bob on y"], status.Output!.Value.EnumerateArray().Select(each => each.GetProperty("last").GetString()));
        Assert.Contains("debate[1].2", status.Outcomes!.Select(outcome => outcome.Outcome.Activation));
    }
}
