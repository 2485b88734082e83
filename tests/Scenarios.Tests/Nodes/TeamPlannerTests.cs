namespace Polyphony.Scenarios.Tests.Nodes;

/// <summary>A manager that plans, instructs and judges progress.</summary>
[Trait("Row", "O11")]
public sealed class TeamPlannerTests
{
    [Fact]
    [Trait("Row", "O18")]
    public async Task Planner_UntilItIsDone_InstructsAndAnswers()
    {
        await using var host = await TestHost.StartAsync();
        var decisions = new Queue<string>(
        [
            Teams.Decision("Ann looks, Bob writes.", "ann", "Look."),
            Teams.Decision("", "bob", "Write."),
            Teams.Decision("", "bob", "", answer: "Green tea."),
        ]);
        var heard = new List<string>();
        var managed = new List<string>();
        host.Models.Respond = (model, messages, _, _) =>
        {
            if (model == "chair")
            {
                managed.Add(messages[^1].Text);
                return Task.FromResult(TestModels.Text(decisions.Dequeue()));
            }

            heard.Add($"{model} <- {Teams.Heard(messages)}");
            return Task.FromResult(TestModels.Text($"{model} has."));
        };

        var status = await host.RunAsync(Teams.Team("speaker: planner, manager: chair"), Teams.Input);

        Assert.Equal(("completed", "Green tea.", 2), (
            status.Output!.Value.GetProperty("stopReason").GetString(), status.Output.Value.GetProperty("last").GetString(), status.Output.Value.GetProperty("turns").GetInt32()));
        Assert.Equal(["chair", "chair", "ann", "chair", "bob", "chair"], Teams.Speakers(status));
        Assert.Equal("ann <- user:Decide: tea / user:debate (chair):\nAnn looks, Bob writes. / user:debate (chair):\nLook.", heard[0]);
        Assert.Contains("Make a plan", managed[0]);
        Assert.Contains("The plan:\nAnn looks, Bob writes.", managed[1]);
    }

    [Fact]
    [Trait("Row", "O18")]
    public async Task Planner_WithoutProgress_PlansAnewAndThenGivesUp()
    {
        await using var host = await TestHost.StartAsync();
        var prompts = new List<string>();
        host.Models.Respond = (model, messages, _, _) =>
        {
            if (model != "chair")
            {
                return Task.FromResult(TestModels.Text("Hm."));
            }

            prompts.Add(messages[^1].Text.Contains("Make a plan", StringComparison.Ordinal) ? "plan" : messages[^1].Text.Contains("does not lead on", StringComparison.Ordinal) ? "replan" : "go on");
            return Task.FromResult(TestModels.Text(Teams.Decision(prompts[^1] == "go on" ? "" : prompts[^1], "ann", "Try.", isProgress: false)));
        };

        var status = await host.RunAsync(Teams.Team("speaker: planner, manager: chair, maxStalls: 2, maxReplans: 1"), Teams.Input);

        Assert.Equal("no_progress", status.Output!.Value.GetProperty("stopReason").GetString());
        Assert.Equal(["plan", "go on", "go on", "replan", "go on", "go on"], prompts);
    }
}
