using Microsoft.Extensions.AI;
using Polyphony.Activities.Providers;
using Polyphony.Core.Client;
using Polyphony.Core.Runs;
using Polyphony.TestKit.Chat;

namespace Polyphony.Scenarios.Tests;

/// <summary>What the timeline tells of runs.</summary>
[Trait("Row", "H3")]
public sealed class TimelineTests
{
    private const string Head = """
        models: { m: { provider: openai, model: one } }
        agents: { a: { model: m, context: [], retry: { maxAttempts: 2, firstDelay: 1s } } }
        """;

    [Fact]
    public async Task Timeline_OfARetryAWaitAndAFailure_TellsEachAttempt()
    {
        await using var host = await TestHost.StartAsync();
        var calls = 0;
        host.Models.Respond = (_, _, _, _) => ++calls switch
        {
            1 => throw new ModelException(new CallError(ErrorCodes.ProviderUnavailable, "down", ErrorKind.Transient)),
            2 => Task.FromResult(TestModels.Text("fine")),
            _ => throw new ModelException(new CallError(ErrorCodes.BadRequest, "no", ErrorKind.Terminal)),
        };

        var id = (await host.RunAsync($$"""
            name: tries
            {{Head}}
            nodes: { one: { agent: a, prompt: x }, two: { agent: a, prompt: y } }
            edges: [one -> two]
            """)).InstanceId;
        var steps = await StepsAsync(host, id);

        Assert.Equal(
            [("started", null, null, null), ("modelCall", "one", 1, "provider_unavailable"), ("modelCall", "one", 2, null), ("modelCall", "two", 1, "bad_request"), ("ended", "two", null, "bad_request")],
            steps.Select(step => (step.Kind, step.Activation, step.Attempt, step.Code)));
        Assert.Equal(("openai", "test-model", 15L), (steps[2].Provider, steps[2].Model, steps[2].Usage!.Tokens));
        Assert.Equal(("failed", "no"), (steps[^1].StopReason, steps[^1].Message));

        // What failed runs again, in the same history.
        host.Models.Respond = (_, _, _, _) => Task.FromResult(TestModels.Text("at last"));
        await host.Client.RewindAsync(id, "mended", TestContext.Current.CancellationToken);
        await host.WaitAsync(id);
        Assert.Equal([("rewound", null), ("modelCall", "two"), ("ended", null)], (await StepsAsync(host, id)).Skip(steps.Count).Select(step => (step.Kind, step.Activation)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public async Task Timeline_OfItems_TellsEachCallWithItsActivation(int itemsPerActivity)
    {
        await using var host = await TestHost.StartAsync();

        var steps = await StepsAsync(host, (await host.RunAsync($$$"""
            name: items
            {{{Head}}}
            nodes: { each: { agent: a, forEach: "{{ [1, 2, 3, 4, 5, 6, 7, 8] }}", prompt: "{{ item }}", itemsPerActivity: {{{itemsPerActivity}}} } }
            """)).InstanceId);

        Assert.Equal(Enumerable.Range(0, 8).Select(i => $"each[{i}]"), steps.Where(step => step.Kind == "modelCall").Select(step => step.Activation).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Timeline_OfChildrenAndGenerations_TellsWhatTheyCameToOnce()
    {
        await using var host = await TestHost.StartAsync(interpreter: new InterpreterOptions { OperationsPerGeneration = 3 });
        host.AddWorkflow($$"""
            name: child
            {{Head}}
            nodes: { one: { agent: a, prompt: x } }
            """);

        var steps = await StepsAsync(host, (await host.RunAsync($$"""
            name: parent
            {{Head}}
            nodes: { a1: { agent: a, prompt: x }, sub: { workflow: child }, a2: { agent: a, prompt: x }, a3: { agent: a, prompt: x }, a4: { agent: a, prompt: x } }
            edges: [a1 -> sub -> a2 -> a3 -> a4]
            """)).InstanceId);

        Assert.Equal(["started", "modelCall", "childStarted", "childEnded", "modelCall", "modelCall", "modelCall", "ended"], steps.Select(step => step.Kind));
        Assert.Equal(("child", "completed", 1), (steps[3].Workflow, steps[3].StopReason, steps[3].Usage!.ModelCalls));
        Assert.Equal(steps[2].InstanceId, steps[3].InstanceId);
        Assert.Equal(["started", "modelCall", "ended"], (await StepsAsync(host, steps[2].InstanceId!)).Select(step => step.Kind));
    }

    [Fact]
    public async Task Timeline_OfTools_TellsWhatWasAskedForAndWhatItCameTo()
    {
        await using var host = await TestHost.StartAsync();
        host.Tools.Add(AIFunctionFactory.Create((int a, int b) => a + b, "add", "Adds."));
        var calls = 0;
        host.Models.Respond = (_, _, _, _) => Task.FromResult(++calls == 1 ? ScriptedAnswer.Calls(("c1", "add", new Dictionary<string, object?> { ["a"] = 1, ["b"] = 2 })).Response! : TestModels.Text("3"));

        var steps = await StepsAsync(host, (await host.RunAsync("""
            name: tools
            models: { m: { provider: openai, model: one } }
            agents: { a: { model: m, tools: [add] } }
            nodes: { one: { agent: a, prompt: x } }
            """)).InstanceId);

        Assert.Equal([("started", null), ("modelCall", "add"), ("toolCall", "add"), ("modelCall", null), ("ended", null)], steps.Select(step => (step.Kind, step.Tool ?? step.Tools?[0])));
    }

    private static async Task<IReadOnlyList<RunStep>> StepsAsync(TestHost host, string id) => RunTimeline.Of(await host.Engine.Client.GetHistoryAsync(id, 0, TestContext.Current.CancellationToken));
}
