using System.Text.Json;
using Polyphony.Core.Client;
using Polyphony.Core.CodeFirst;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
using Polyphony.Core.Locks;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;

namespace Polyphony.Scenarios.Tests.Locks;

/// <summary>Exclusive sections: a workflow node holds the lock while its sub-workflow waits, in a time that takes none.</summary>
[Trait("Row", "S6")]
public sealed class LockTests
{
    private const string Inner = """
        name: inner
        nodes: { pause: { wait: 10m } }
        """;

    private const string Section = """
        name: section
        input: { type: object, properties: { lock: {} }, additionalProperties: true }
        nodes:
          work: { workflow: inner, lock: "{{ input.lock }}" }
        """;

    [Fact]
    public async Task Instances_WithOneLock_WorkInTheOrderInWhichTheyAsked()
    {
        await using var host = await StartAsync();
        var ids = new List<string>();
        using (host.Clock.Hold())
        {
            for (var i = 0; i < 5; i++)
            {
                ids.Add(await host.StartAsync(Section, new { @lock = "x" }, new StartWorkflowOptions { InstanceId = $"i{4 - i}" }));
                await host.UntilAsync(ids[^1], status => i == 0 ? IsWorking(status) : WaitsFor(status, "x"));
            }
        }

        var ends = new List<DateTimeOffset>();
        foreach (var id in ids)
        {
            var status = await host.WaitAsync(id);
            Assert.Equal(StopReason.Completed, status.StopReason);
            ends.Add(status.CompletedTime!.Value);
        }

        Assert.Equal(ends.Order(), ends);
        Assert.True(ends[^1] - ends[0] >= TimeSpan.FromMinutes(40), $"{ends[^1] - ends[0]}");
    }

    [Fact]
    public async Task Instances_WithDifferentLocks_DoNotWaitForEachOther()
    {
        await using var host = await StartAsync();
        using var hold = host.Clock.Hold();
        foreach (var name in new object[] { "x", "y", 4711 })
        {
            await host.UntilAsync(await host.StartAsync(Section, new { @lock = name }), IsWorking);
        }

        await host.UntilAsync(await host.StartAsync(Section, new { @lock = "4711" }), status => WaitsFor(status, "4711"));
    }

    [Fact]
    public async Task Terminated_Holder_GivesTheLockToTheNext()
    {
        await using var host = await StartAsync("name: inner\nnodes: { pause: { wait: { event: never } } }");
        var first = await host.StartAsync(Section, new { @lock = "x" });
        await host.UntilAsync(first, IsWorking);
        var second = await host.StartAsync(Section, new { @lock = "x" });
        await host.UntilAsync(second, status => WaitsFor(status, "x"));
        await host.Engine.Client.TerminateAsync(first);
        await host.UntilAsync(second, IsWorking);
    }

    [Fact]
    public async Task Terminated_Waiters_LetTheNextHaveIt()
    {
        await using var host = await StartAsync();
        using var hold = host.Clock.Hold();
        var ids = new List<string>();
        for (var i = 0; i < 4; i++)
        {
            ids.Add(await host.StartAsync(Section, new { @lock = "x" }));
            await host.UntilAsync(ids[^1], status => i == 0 ? IsWorking(status) : WaitsFor(status, "x"));
        }

        await host.Engine.Client.TerminateAsync(ids[1]);
        await host.Engine.Client.TerminateAsync(ids[2]);
        hold.Dispose();
        Assert.Equal(StopReason.Completed, (await host.WaitAsync(ids[3])).StopReason);
    }

    [Fact]
    public async Task Suspended_Holder_KeepsTheLock()
    {
        await using var host = await StartAsync();
        string first, second;
        using (host.Clock.Hold())
        {
            first = await host.StartAsync(Section, new { @lock = "x" });
            await host.UntilAsync(first, IsWorking);
            second = await host.StartAsync(Section, new { @lock = "x" });
            await host.UntilAsync(second, status => WaitsFor(status, "x"));
            await host.Engine.Client.SuspendAsync(first);
        }

        await Task.Delay(TimeSpan.FromHours(3), host.Clock);
        Assert.True(WaitsFor((await host.Client.GetAsync(second))!, "x"));
        await host.Engine.Client.ResumeAsync(first);
        Assert.Equal(StopReason.Completed, (await host.WaitAsync(second)).StopReason);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(500)]
    public async Task Wait_LongerThanTheTimeout_FailsTheNodeAndLeavesTheQueue(int operations)
    {
        await using var host = await StartAsync(interpreter: new InterpreterOptions { OperationsPerGeneration = operations });
        string[] ids;
        using (host.Clock.Hold())
        {
            var first = await host.StartAsync(Section, new { @lock = "x" });
            await host.UntilAsync(first, IsWorking);
            var second = await host.StartAsync(
                """
                name: hasty
                nodes:
                  before: { transform: 1 }
                  work: { workflow: inner, lock: x, timeout: 2m, onError: { value: "{{ error.code }}" } }
                edges: [ before -> work ]
                output: "{{ nodes.work.output }}"
                """);
            await host.UntilAsync(second, status => WaitsFor(status, "x"));
            var third = await host.StartAsync(Section, new { @lock = "x" });
            await host.UntilAsync(third, status => WaitsFor(status, "x"));
            ids = [first, second, third];
        }

        var hasty = await host.WaitAsync(ids[1]);
        Assert.Equal("timeout", hasty.Output!.Value.GetString());
        Assert.InRange(hasty.CompletedTime!.Value - hasty.CreatedTime, TimeSpan.FromMinutes(2), TimeSpan.FromMinutes(3));
        var (one, three) = (await host.WaitAsync(ids[0]), await host.WaitAsync(ids[2]));
        Assert.InRange(three.CompletedTime!.Value - one.CompletedTime!.Value, TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(11));
    }

    [Fact]
    public async Task Wait_OfARunWhoseTimeIsUp_LeavesTheQueue()
    {
        await using var host = await StartAsync();
        string[] ids;
        using (host.Clock.Hold())
        {
            var first = await host.StartAsync(Section, new { @lock = "x" });
            await host.UntilAsync(first, IsWorking);
            var second = await host.StartAsync("name: hasty\nlimits: { timeout: 1m }\nnodes: { work: { workflow: inner, lock: x } }");
            await host.UntilAsync(second, status => WaitsFor(status, "x"));
            ids = [first, second];
        }

        Assert.Equal(StopReason.Timeout, (await host.WaitAsync(ids[1])).StopReason);
        await host.WaitAsync(ids[0]);
        Assert.Null(await HolderAsync(host, "x"));
    }

    [Fact]
    public async Task Failed_Holder_GivesTheLockBackAndAsksAgainAfterARewind()
    {
        var fails = true;
        await using var host = await StartAsync(agent: (call, _) => Task.FromResult(fails
            ? new AgentCallResult { Error = new CallError("no", "no", ErrorKind.Terminal) }
            : new AgentCallResult { Output = Payload.Inline(JsonElement.Parse("\"ok\"")) }));
        var first = await host.StartAsync("name: fails\nmodels: { m: { provider: offline } }\nagents: { a: { model: m } }\nnodes: { work: { agent: a, prompt: go, lock: x } }");
        Assert.Equal(StopReason.Failed, (await host.WaitAsync(first)).StopReason);
        Assert.Null(await HolderAsync(host, "x"));
        Assert.Equal(StopReason.Completed, (await host.RunAsync(Section, new { @lock = "x" })).StopReason);
        fails = false;
        await host.Client.RewindAsync(first);
        Assert.Equal(StopReason.Completed, (await host.WaitAsync(first)).StopReason);
        Assert.Null(await HolderAsync(host, "x"));
    }

    [Fact]
    public async Task Restarted_InstanceUnderTheSameId_GetsTheLock()
    {
        await using var host = await StartAsync("name: inner\nnodes: { pause: { wait: { event: go } } }");
        var options = new StartWorkflowOptions { InstanceId = "same" };
        await host.UntilAsync(await host.StartAsync(Section, new { @lock = "x" }, options), IsWorking);
        await host.Engine.Client.TerminateAsync("same");
        await host.Engine.Client.PurgeAsync("same");
        host.Clock.Advance(TimeSpan.FromSeconds(1));
        await host.UntilAsync(await host.StartAsync(Section, new { @lock = "x" }, options), IsWorking);
    }

    [Fact]
    public async Task Keeper_ThatNobodyNeeds_EndsAndTheNextRequestStartsAnother()
    {
        await using var host = await StartAsync();
        var (one, two) = LockNames.Keepers("x");
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(StopReason.Completed, (await host.RunAsync(Section, new { @lock = "x" })).StopReason);
            var (now, before) = i % 2 == 0 ? (one, two) : (two, one);
            Assert.Null(await host.Engine.Client.GetAsync(before));
            await host.Engine.Client.WaitForCompletionAsync(now);
        }

        // Keepers are not among the instances that a list shows, unless asked for.
        var listed = await host.Engine.Client.QueryAsync(new OrchestrationQuery());
        Assert.DoesNotContain(listed.Instances, instance => instance.Name == TaskNames.LockOrchestration);
        await Assert.ThrowsAsync<InstanceIdInvalidException>(() => host.StartAsync(Section, null, new StartWorkflowOptions { InstanceId = one }));
    }

    [Theory]
    [InlineData(DurableLimits.MaxPayloadBytes)]
    [InlineData(1)]
    public async Task KeeperAndRuns_ThatContinueAsNew_LoseNobody(int maxGenerationBytes)
    {
        await using var host = await StartAsync(interpreter: new InterpreterOptions { OperationsPerGeneration = 3, MaxGenerationBytes = maxGenerationBytes });
        var ids = new List<string>();
        using (host.Clock.Hold())
        {
            for (var i = 0; i < 8; i++)
            {
                // What comes before the section fills the generation, so that the run continues as new while it waits.
                ids.Add(await host.StartAsync(
                    """
                    name: filled
                    nodes:
                      a: { wait: 1ms }
                      b: { wait: 1ms }
                      work: { workflow: inner, lock: [y, x] }
                    edges: [ a -> b -> work ]
                    """));
            }
        }

        var ends = new List<DateTimeOffset>();
        foreach (var id in ids)
        {
            var status = await host.WaitAsync(id);
            Assert.Equal(StopReason.Completed, status.StopReason);
            ends.Add(status.CompletedTime!.Value);
        }

        ends.Sort();
        Assert.All(ends.Zip(ends.Skip(1)), pair => Assert.InRange(pair.Second - pair.First, TimeSpan.FromMinutes(9.9), TimeSpan.FromMinutes(10.5)));
        Assert.Contains(
            await host.Engine.Client.GetHistoryAsync(LockNames.Keepers("y").First), each => each is Core.Durable.History.ContinuedAsNew);
    }

    [Fact]
    public async Task Node_ThatWaitsForALock_LeavesItsSlotToOthers()
    {
        await using var host = await StartAsync();
        using var hold = host.Clock.Hold();
        await host.UntilAsync(await host.StartAsync(Section, new { @lock = "x" }), IsWorking);
        var id = await host.StartAsync(
            """
            name: narrow
            limits: { maxConcurrency: 1 }
            nodes:
              begin: { transform: 1 }
              section: { workflow: inner, lock: x }
              other: { workflow: inner }
            edges: [ "begin -> [section, other]" ]
            """);
        var status = await host.UntilAsync(id, each => WaitsFor(each, "x") && StatusOf(each, "other") == "running");
        Assert.Equal("waiting", StatusOf(status, "section"));
    }

    [Fact]
    public async Task Items_WithOneLock_WorkOneAfterTheOther()
    {
        await using var host = await StartAsync(interpreter: new InterpreterOptions { MaxDirectItems = 2 });
        var status = await host.RunAsync(
            """
            name: items
            nodes:
              each: { workflow: inner, forEach: "{{ [1, 2, 3, 4, 5] }}", lock: "odd-{{ item % 2 }}" }
            """);
        Assert.Equal(StopReason.Completed, status.StopReason);
        Assert.InRange(status.CompletedTime!.Value - status.CreatedTime, TimeSpan.FromMinutes(30), TimeSpan.FromMinutes(31));
    }

    [Theory]
    [InlineData("\"{{ input.lock }}\"", "null")]
    [InlineData("\"{{ input.lock }}\"", "\"\"")]
    [InlineData("\"{{ input.lock }}\"", "[]")]
    [InlineData("\"{{ input.lock }}\"", "[[1]]")]
    [InlineData("\"a{{ '\\\\n' }}b\"", "1")]
    public async Task Name_ThatIsNone_FailsTheNode(string name, string value)
    {
        await using var host = await StartAsync();
        var status = await host.RunAsync(Section.Replace("\"{{ input.lock }}\"", name, StringComparison.Ordinal), JsonElement.Parse($$"""{"lock":{{value}}}"""));
        Assert.Equal(("lock_invalid", "work"), (status.Error?.Code, status.Error?.Activation));
    }

    [Fact]
    public async Task Start_OfLocksWithinLocks_IsRefused()
    {
        await using var host = await StartAsync();
        host.AddWorkflow("name: middle\nnodes: { deep: { workflow: locked } }");
        host.AddWorkflow("name: locked\nnodes: { work: { workflow: inner, lock: y } }");
        var refused = await Assert.ThrowsAsync<WorkflowInvalidException>(() => host.StartAsync("name: outer\nnodes: { around: { workflow: middle, lock: x } }"));
        var problem = Assert.Single(refused.Problems);
        Assert.Equal(("nested_lock", "nodes.around.lock"), (problem.Code, problem.Path));
        Assert.Contains("\"locked\" runs, whose node \"work\" takes one as well", problem.Message, StringComparison.Ordinal);
        host.AddWorkflow("name: outer\nnodes: { around: { workflow: middle, lock: x } }");
        await Assert.ThrowsAsync<WorkflowInvalidException>(() => host.StartAsync("name: top\nnodes: { all: { workflow: outer } }"));
    }

    [Fact]
    public async Task Code_HoldsLocksUntilItDisposesOfThem()
    {
        var code = new CodeWorkflows().Add<string[], string>(new WorkflowBuilder("coded"), async (workflow, names) =>
        {
            using (await workflow.LockAsync(names))
            {
                await workflow.Durable.CreateTimerAsync(workflow.Durable.CurrentUtcDateTime.AddMinutes(10));
            }

            await workflow.Durable.CreateTimerAsync(workflow.Durable.CurrentUtcDateTime.AddMinutes(10));
            return "done";
        });
        await using var host = await StartAsync(code: code);
        string[] ids;
        using (host.Clock.Hold())
        {
            ids = await Task.WhenAll(((string[][])[["x", "y"], ["y", "x"], ["x"]]).Select(names => host.Client.StartAsync("coded", JsonSerializer.SerializeToElement(names))));
        }

        var ends = new List<DateTimeOffset>();
        foreach (var id in ids)
        {
            var status = await host.WaitAsync(id);
            Assert.Equal("done", status.Output?.GetString());
            ends.Add(status.CompletedTime!.Value);
        }

        ends.Sort();
        Assert.InRange(ends[1] - ends[0], TimeSpan.FromMinutes(9.9), TimeSpan.FromMinutes(10.5));
        Assert.InRange(ends[2] - ends[1], TimeSpan.FromMinutes(9.9), TimeSpan.FromMinutes(10.5));
    }

    [Fact]
    public async Task Code_ThatTakesALockWithinALock_IsRefusedAndGivesTheFirstBack()
    {
        var code = new CodeWorkflows()
            .Add<string, string>(new WorkflowBuilder("nested"), async (workflow, _) =>
            {
                using var first = await workflow.LockAsync("x");
                using var second = await workflow.LockAsync("y");
                return "done";
            })
            .Add<string, string>(new WorkflowBuilder("around"), async (workflow, _) =>
            {
                using var first = await workflow.LockAsync("x");
                return await workflow.CallWorkflowAsync<string>("section", new { @lock = "y" });
            }, "section");
        await using var host = await StartAsync(code: code);
        host.AddWorkflow(Section);
        foreach (var name in new[] { "nested", "around" })
        {
            var status = await host.WaitAsync(await host.Client.StartAsync(name, JsonElement.Parse("\"\"")));
            Assert.Contains("two such runs could wait for each other", status.Error?.Message, StringComparison.Ordinal);
            Assert.Null(await HolderAsync(host, "x"));
        }
    }

    [Fact]
    public async Task Code_WithANameThatIsNone_Fails()
    {
        var code = new CodeWorkflows().Add<string[], string>(new WorkflowBuilder("coded"), async (workflow, names) =>
        {
            using var section = await workflow.LockAsync(names);
            return "done";
        });
        await using var host = await StartAsync(code: code);
        foreach (var names in new[] { "[]", """[""]""", """["1","2","3","4","5","6","7","8","9"]""" })
        {
            Assert.Matches("Expected 1 to 8 names|expected 1 to 128 characters", (await host.WaitAsync(await host.Client.StartAsync("coded", JsonElement.Parse(names)))).Error!.Message);
        }
    }

    private static async Task<TestHost> StartAsync(
        string? inner = null, InterpreterOptions? interpreter = null, CodeWorkflows? code = null, Func<AgentCall, CancellationToken, Task<AgentCallResult>>? agent = null)
    {
        var host = await TestHost.StartAsync(agent, interpreter, code: code);
        host.AddWorkflow(inner ?? Inner);
        return host;
    }

    private static bool IsWorking(WorkflowStatus status) => status.CustomStatus is { WaitingFor: [], Nodes: [.., { Status: "running", Attempts: 0, StartedTime: not null }] };

    private static string StatusOf(WorkflowStatus status, string node) => status.CustomStatus!.Nodes.Single(each => each.Node == node).Status;

    private static bool WaitsFor(WorkflowStatus status, string name) =>
        status.CustomStatus?.WaitingFor is [{ Kind: "lock" } wait] && wait.Lock == name && status.CustomStatus.Nodes.Any(node => node.Status == "waiting");

    /// <summary>Gets who has a lock once its keeper has heard of everything.</summary>
    private static async Task<string?> HolderAsync(TestHost host, string name)
    {
        await Task.Delay(TimeSpan.FromSeconds(1), host.Clock);
        var keepers = LockNames.Keepers(name);
        foreach (var id in new[] { keepers.First, keepers.Second })
        {
            if (await host.Engine.Client.GetAsync(id) is { IsFinished: false, CustomStatus: { } status })
            {
                return JsonDocument.Parse(status).RootElement.TryGetProperty("holder", out var holder) ? holder.GetProperty("instanceId").GetString() : null;
            }
        }

        return null;
    }
}
