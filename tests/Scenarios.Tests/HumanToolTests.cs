using System.Text.Json;
using Microsoft.Extensions.AI;
using Polyphony.Activities.Providers;
using Polyphony.Core.Runs;
using Polyphony.Engine.Simulation;

namespace Polyphony.Scenarios.Tests;

/// <summary>People whom agents ask by a tool: the question waits as others do, and the answer is the result of the call.</summary>
[Trait("Row", "O10")]
[Trait("Row", "O12")]
public sealed class HumanToolTests
{
    private const string Clerk = """
        name: clerk
        models: { m: { provider: offline } }
        tools:
          ask_boss:
            description: Asks the head of the desk.
            parameters: { type: object, required: [about], properties: { about: { type: string } } }
            human: { prompt: "May I: {{ args.about }}?", schema: { type: string, minLength: 2 } MORE }
        agents: { clerk: { model: m, context: [], tools: [ask_boss] } }
        nodes: { work: { agent: clerk, prompt: go } }
        """;

    private static string Plain => Clerk.Replace(" MORE", "", StringComparison.Ordinal);

    [Fact]
    public async Task Call_AsksAndGivesTheAnswerToTheModel()
    {
        await using var host = await StartAsync("refund 50");
        ChatOptions? told = null;
        var respond = host.Models.Respond;
        host.Models.Respond = (model, messages, options, token) => respond(model, messages, told = options, token);
        var id = await host.StartAsync(Plain);

        var wait = Assert.Single((await AskedAsync(host, id, 1)).WaitingFor);
        Assert.Equal(("work.ask_boss.1.0", "human", "May I: refund 50?", null), (wait.Activation, wait.Kind, wait.Prompt, wait.Tool));

        // What does not fit is passed over.
        await host.Client.RaiseEventAsync(id, wait.EventName!, JsonElement.Parse("7"));
        await host.Client.RaiseEventAsync(id, wait.EventName!, JsonElement.Parse("\"y\""));
        await host.Client.RaiseEventAsync(id, wait.EventName!, JsonElement.Parse("\"yes, once\""));
        var status = await host.WaitAsync(id);

        Assert.Equal(("completed", "yes, once", 2), (status.Reason(), status.Output!.Value.GetString(), status.Usage!.ModelCalls));
        var function = (AIFunctionDeclaration)Assert.Single(told!.Tools!);
        Assert.Equal(("ask_boss", "Asks the head of the desk."), (function.Name, function.Description));
    }

    [Theory]
    [InlineData("", "completed", "The call failed (timeout): Nobody has answered in time.")]
    [InlineData(", onTimeout: error", "completed", "The call failed (timeout): Nobody has answered in time.")]
    [InlineData(", onTimeout: { value: \"no {{ args.about }}\" }", "completed", "no refund 50")]
    [InlineData(", onTimeout: fail", "failed", null)]
    public async Task Call_ThatNobodyAnswers_EndsAsTheFileSays(string policy, string reason, string? output)
    {
        await using var host = await StartAsync("refund 50");
        var status = await host.RunAsync(Clerk.Replace(" MORE", ", timeout: 24h" + policy, StringComparison.Ordinal));

        Assert.Equal((reason, output), (status.Reason(), status.Output is { ValueKind: JsonValueKind.String } text ? text.GetString() : null));
        Assert.Equal(reason == "failed" ? ErrorCodes.Timeout : null, status.Error?.Code);
    }

    [Fact]
    public async Task Calls_OfOneAnswer_AskSideBySideAndAreAnsweredInAnyOrder()
    {
        await using var host = await StartAsync("a", "b", "c");
        var id = await host.StartAsync(Plain);
        var waits = (await AskedAsync(host, id, 3)).WaitingFor;
        foreach (var wait in waits.Reverse())
        {
            await host.Client.RaiseEventAsync(id, wait.EventName!, JsonSerializer.SerializeToElement("to " + wait.Prompt));
        }

        Assert.Equal("to May I: a?|to May I: b?|to May I: c?", (await host.WaitAsync(id)).Output!.Value.GetString());
    }

    [Fact]
    public async Task Call_InATeam_IsAskedUnderTheTurnsName()
    {
        await using var host = await StartAsync("refund 50");
        var id = await host.StartAsync(Plain.Replace("nodes: { work: { agent: clerk, prompt: go } }", "nodes: { desk: { team: [clerk], prompt: go, maxTurns: 1 } }", StringComparison.Ordinal));
        var wait = Assert.Single((await AskedAsync(host, id, 1)).WaitingFor);
        await host.Client.RaiseEventAsync(id, wait.EventName!, JsonElement.Parse("\"go on\""));

        Assert.Equal("go on", (await host.WaitAsync(id)).Output!.Value.GetProperty("last").GetString());
        Assert.StartsWith("desk", wait.Activation, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Row", "H5")]
    public async Task Rewind_AfterAnAnswer_AsksNobodyAgain()
    {
        var isDown = true;
        await using var host = await StartAsync("refund 50");
        var respond = host.Models.Respond;
        host.Models.Respond = (model, messages, options, token) => isDown && messages[^1].Role == ChatRole.Tool
            ? throw new ModelException(new CallError(ErrorCodes.BadRequest, "no", ErrorKind.Terminal))
            : respond(model, messages, options, token);
        var id = await host.StartAsync(Plain);
        var wait = Assert.Single((await AskedAsync(host, id, 1)).WaitingFor);
        await host.Client.RaiseEventAsync(id, wait.EventName!, JsonElement.Parse("\"go on\""));
        Assert.Equal("failed", (await host.WaitAsync(id)).Reason());

        isDown = false;
        await host.Client.RewindAsync(id, "the model is back");

        Assert.Equal("go on", (await host.WaitAsync(id)).Output!.Value.GetString());
    }

    [Fact]
    [Trait("Row", "H5")]
    public async Task Terminate_WhileItAsks_EndsTheRun()
    {
        await using var host = await StartAsync("refund 50");
        var id = await host.StartAsync(Plain);
        await AskedAsync(host, id, 1);
        await host.Engine.Client.TerminateAsync(id, "enough");

        Assert.Equal("terminated", (await host.WaitAsync(id)).RuntimeStatus.ToString(), ignoreCase: true);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [Trait("Row", "S7")]
    public void Calls_CrashedAtEveryCommit_GiveEachItsAnswerOnce(int seed)
    {
        var plain = Simulate(new SimulationOptions { Seed = seed });
        Assert.Equal("May I: a?|May I: b?", plain.Output);
        for (var commit = 1; commit <= plain.Commits; commit++)
        {
            foreach (var point in Enum.GetValues<CrashPoint>())
            {
                var crashed = Simulate(new SimulationOptions { Seed = seed, CrashAtCommit = commit, CrashPoint = point });
                Assert.Equal((commit, point, plain.Output, plain.ModelCalls), (commit, point, crashed.Output, crashed.ModelCalls));
            }
        }
    }

    private static (string? Output, int ModelCalls, int Commits) Simulate(SimulationOptions options)
    {
        var models = new TestModels();
        Script(models, "a", "b");
        var run = ToolRuns.Simulate(options, models, Plain, []);
        return (run.Status.Output?.GetString(), run.Status.Usage!.ModelCalls, run.Commits);
    }

    private static async Task<WorkflowProgress> AskedAsync(TestHost host, string id, int count) =>
        (await host.UntilAsync(id, status => status.CustomStatus?.WaitingFor.Count == count)).CustomStatus!;

    private static async Task<TestHost> StartAsync(params string[] questions)
    {
        var host = await TestHost.StartAsync();
        Script(host.Models, questions);
        return host;
    }

    private static void Script(TestModels models, params string[] questions) =>
        ToolRuns.Script(models, "ask_boss", [.. questions.Select(about => new Dictionary<string, object?> { ["about"] = about })]);
}
