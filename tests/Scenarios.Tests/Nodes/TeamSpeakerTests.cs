using Microsoft.Extensions.AI;

namespace Polyphony.Scenarios.Tests.Nodes;

/// <summary>Who speaks next: in turn, or by a manager's choice.</summary>
[Trait("Row", "O11")]
public sealed class TeamSpeakerTests
{
    [Fact]
    [Trait("Row", "R7")]
    public async Task RoundRobin_EachInTurn_HearsTheTaskFirstAndThenAllThatWasSaid()
    {
        await using var host = await TestHost.StartAsync();
        var heard = new List<string>();
        host.Models.Respond = (model, messages, _, _) =>
        {
            heard.Add($"{model} <- {Teams.Heard(messages)}");
            return Task.FromResult(TestModels.Text($"{model} {heard.Count}"));
        };

        var status = await host.RunAsync(Teams.Team("maxTurns: 4"), Teams.Input);

        Assert.Equal(
            [
                "ann <- user:Decide: tea",
                "bob <- system:You are Bob at tea. / user:Decide: tea / user:debate (ann):\nann 1",
                "cleo <- user:Decide: tea / user:debate (ann):\nann 1 / user:debate (bob):\nbob 2",
                "ann <- user:Decide: tea / assistant:ann 1 / user:debate (bob):\nbob 2 / user:debate (cleo):\ncleo 3",
            ],
            heard);
        Assert.Equal("completed", status.Reason());
        Assert.Equal(
            """{"stopReason":"max_turns","turns":4,"last":"ann 4","messages":[{"agent":"ann","role":"assistant","content":"ann 1"},{"agent":"bob","role":"assistant","content":"bob 2"},{"agent":"cleo","role":"assistant","content":"cleo 3"},{"agent":"ann","role":"assistant","content":"ann 4"}]}""",
            status.Output!.Value.GetRawText());
        Assert.Equal(["debate", "debate.1", "debate.2", "debate.3", "debate.4"], status.Outcomes!.Select(outcome => outcome.Outcome.Activation).Order(StringComparer.Ordinal));
        Assert.Equal((4, 60), (status.Usage.ModelCalls, status.Usage.Tokens));
    }

    [Fact]
    public async Task Selector_ManagerNames_SpeakInThatOrder()
    {
        await using var host = await TestHost.StartAsync();
        var picks = new Queue<string>(["cleo", "ann", "cleo", "bob"]);
        var asked = new List<string>();
        host.Models.Respond = (model, messages, options, _) =>
        {
            if (model != "chair")
            {
                return Task.FromResult(TestModels.Text(model));
            }

            Assert.IsType<ChatResponseFormatJson>(options!.ResponseFormat);
            asked.Add(messages[^1].Text);
            return Task.FromResult(TestModels.Text($$"""{"next":"{{picks.Dequeue()}}"}"""));
        };

        var status = await host.RunAsync(Teams.Team("speaker: selector, manager: chair, maxTurns: 3"), Teams.Input);

        Assert.Equal(["cleo", "ann", "cleo"], Teams.Speakers(status));
        // As often as somebody may speak: when the turns are used up, nobody is chosen.
        Assert.Equal((6, 3), (status.Usage.ModelCalls, status.Output!.Value.GetProperty("turns").GetInt32()));

        // A description is text and no template.
        Assert.Contains("- ann: Knows {{ law }}.\n- bob\n- cleo", asked[0]);
        Assert.Contains("Decide: tea", asked[0]);
        Assert.Contains("Not cleo, who has just spoken.", asked[1]);
    }

    [Theory]
    [InlineData("""{"next":"nobody"}""", "ann|bob|cleo|ann")]
    [InlineData("I would say ann.", "ann|bob|cleo|ann")]
    [InlineData("""{"next":"bob"}""", "bob|cleo|bob|cleo")]
    public async Task Selector_ManagerNamesNobodyWhoMaySpeak_TheNextInOrderSpeaks(string answer, string speakers)
    {
        await using var host = await TestHost.StartAsync();
        host.Models.Respond = (model, _, _, _) => Task.FromResult(TestModels.Text(model == "chair" ? answer : model));

        var status = await host.RunAsync(Teams.Team("speaker: selector, manager: chair, maxTurns: 4"), Teams.Input);

        Assert.Equal("completed", status.Reason());
        Assert.Equal(speakers.Split('|'), Teams.Speakers(status));
    }

    [Fact]
    public async Task Selector_AllowRepeat_LetsOneSpeakOn()
    {
        await using var host = await TestHost.StartAsync();
        var last = "";
        host.Models.Respond = (model, messages, _, _) =>
        {
            last = model == "bob" ? Teams.Heard(messages) : last;
            return Task.FromResult(TestModels.Text(model == "chair" ? """{"next":"bob"}""" : model));
        };

        var status = await host.RunAsync(Teams.Team("speaker: selector, manager: chair, allowRepeat: true, maxTurns: 2"), Teams.Input);

        Assert.Equal(["bob", "bob"], Teams.Speakers(status));
        Assert.EndsWith("assistant:bob / user:Go on.", last);
    }
}
