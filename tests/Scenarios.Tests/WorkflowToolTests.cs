using System.Text.Json;
using Microsoft.Extensions.AI;
using Polyphony.Engine.Simulation;

namespace Polyphony.Scenarios.Tests;

/// <summary>Workflows that agents run as tools: children of the run, once for each call, whatever happens.</summary>
[Trait("Row", "O8")]
[Trait("Row", "O12")]
public sealed class WorkflowToolTests
{
    private const string Child = """
        name: double
        description: Doubles a number.
        input: { type: object, required: [n], properties: { n: { type: integer } } }
        models: { m: { provider: offline } }
        agents: { adder: { model: m, context: [] } }
        nodes:
          check: { human: { prompt: "Is {{ input.n }} right?" } }
          add: { agent: adder, prompt: "add {{ input.n }}" }
        edges: [ { from: check, to: add, when: "input.n < 100" } ]
        output: "{{ input.n * 2 + 0 / (input.n - 13) }}"
        """;

    private const string Parent = """
        name: clerk
        models: { m: { provider: offline } }
        tools: { twice: { workflow: double } }
        agents: { clerk: { model: m, context: [], tools: [RULE] } }
        nodes: { work: { agent: clerk, prompt: go } }
        """;

    private static string Plain => Parent.Replace("RULE", "twice", StringComparison.Ordinal);

    private static string QuickChild => Child.Replace("  check: { human: { prompt: \"Is {{ input.n }} right?\" } }\n", "  check: { transform: 1 }\n", StringComparison.Ordinal);

    [Fact]
    public async Task Call_OfAWorkflow_RunsItAsAChildAndGivesItsOutputBack()
    {
        await using var host = await StartAsync(QuickChild, 3);
        ChatOptions? told = null;
        var respond = host.Models.Respond;
        host.Models.Respond = (model, messages, options, token) =>
        {
            told = options?.Tools is { Count: > 0 } ? options : told;
            return respond(model, messages, options, token);
        };
        var status = await host.RunAsync(Plain);

        Assert.Equal(("completed", "6"), (status.Reason(), status.Output!.Value.GetString()));
        var function = (AIFunctionDeclaration)Assert.Single(told!.Tools!);
        Assert.Equal(("twice", "Doubles a number."), (function.Name, function.Description));
        Assert.Equal("""{"n":{"type":"integer"}}""", function.JsonSchema.GetProperty("properties").GetRawText().Replace(" ", "", StringComparison.Ordinal));
        var child = await host.Client.GetAsync($"{status.InstanceId}:work.twice.1.0");
        Assert.Equal(status.InstanceId, child!.ParentInstanceId);

        // Two calls of the clerk and one of the adder.
        Assert.Equal(3, status.Usage!.ModelCalls);
    }

    [Fact]
    public async Task Calls_OfOneAnswer_RunSideBySide_AndErrorsAreText()
    {
        await using var host = await StartAsync(Child, 3, 13, 4);
        var id = await host.StartAsync(Plain);
        string[] children = [$"{id}:work.twice.1.0", $"{id}:work.twice.1.1", $"{id}:work.twice.1.2"];
        foreach (var child in children)
        {
            while (await host.Client.GetAsync(child) is not { CustomStatus.WaitingFor.Count: 1 })
            {
                await Task.Yield();
            }
        }

        foreach (var child in children)
        {
            await host.Client.RaiseEventAsync(child, "answer:check", JsonElement.Parse("true"));
        }

        var output = (await host.WaitAsync(id)).Output!.Value.GetString()!.Split('|');
        Assert.Equal(("6", "8"), (output[0], output[2]));
        Assert.StartsWith("The call failed (workflow_failed): Workflow \"double\" ended with \"failed\"", output[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Call_WithArgumentsThatDoNotFit_StartsNothing()
    {
        await using var host = await StartAsync(QuickChild, "three");
        var status = await host.RunAsync(Plain);

        Assert.StartsWith("The call failed (tool_arguments_invalid)", status.Output!.Value.GetString(), StringComparison.Ordinal);
        Assert.Null(await host.Client.GetAsync($"{status.InstanceId}:work.twice.1.0"));
    }

    [Fact]
    [Trait("Row", "O17")]
    public async Task Approval_WithChangedArguments_RunsTheWorkflowWithThose()
    {
        await using var host = await StartAsync(QuickChild, 3);
        var id = await host.StartAsync(Parent.Replace("RULE", "{ name: twice, approval: always }", StringComparison.Ordinal));
        var wait = Assert.Single((await host.UntilAsync(id, status => status.CustomStatus?.WaitingFor.Count == 1)).CustomStatus!.WaitingFor);
        Assert.Equal(("work.twice.1.0", "twice"), (wait.Activation, wait.Tool));
        Assert.Null(await host.Client.GetAsync($"{id}:work.twice.1.0"));
        await host.Client.RaiseEventAsync(id, wait.EventName!, JsonElement.Parse("""{"decision":"approve","arguments":{"n":5}}"""));

        Assert.EndsWith("\n10", (await host.WaitAsync(id)).Output!.Value.GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Limit_OfModelCalls_HoldsForTheRunsOfTools()
    {
        await using var host = await StartAsync(QuickChild, 3, 4);
        var status = await host.RunAsync("limits: { maxModelCalls: 2 }\n" + Plain);

        Assert.Equal(("max_model_calls", 2), (status.Reason(), status.Usage!.ModelCalls));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [Trait("Row", "S7")]
    public void Calls_CrashedAtEveryCommit_StartEachChildOnce(int seed)
    {
        var plain = Simulate(new SimulationOptions { Seed = seed });
        Assert.Equal("6|8", plain.Output);
        Assert.Equal(["run:work.twice.1.0", "run:work.twice.1.1"], plain.Children);
        for (var commit = 1; commit <= plain.Commits; commit++)
        {
            foreach (var point in Enum.GetValues<CrashPoint>())
            {
                var crashed = Simulate(new SimulationOptions { Seed = seed, CrashAtCommit = commit, CrashPoint = point });
                var what = $"crash {point} at commit {commit}";
                Assert.True(crashed.Output == plain.Output, $"{what}: {crashed.Output}");
                Assert.True(crashed.Children.SequenceEqual(plain.Children), $"{what}: {string.Join(", ", crashed.Children)}");
                Assert.True(crashed.ModelCalls == plain.ModelCalls, $"{what}: {crashed.ModelCalls} calls");
            }
        }
    }

    private static (string? Output, IReadOnlyList<string> Children, int ModelCalls, int Commits) Simulate(SimulationOptions options)
    {
        var models = new TestModels();
        Script(models, 3, 4);
        var run = ToolRuns.Simulate(options, models, Plain, [QuickChild]);
        return (run.Status.Output?.GetString(), run.Children, run.Status.Usage!.ModelCalls, run.Commits);
    }

    private static async Task<TestHost> StartAsync(string child, params object[] numbers)
    {
        var host = await TestHost.StartAsync();
        host.AddWorkflow(child);
        Script(host.Models, numbers);
        return host;
    }

    private static void Script(TestModels models, params object[] numbers) =>
        ToolRuns.Script(models, "twice", [.. numbers.Select(n => new Dictionary<string, object?> { ["n"] = n })]);
}
