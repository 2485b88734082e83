using Polyphony.Activities.Providers;
using Polyphony.Core.Client;
using Polyphony.Core.Durable;
using Polyphony.Core.Runs;

namespace Polyphony.Scenarios.Tests;

/// <summary>What the status says of a <c>forEach</c> whose items run in children, while they run.</summary>
[Trait("Row", "H2")]
public sealed class DividedProgressTests
{
    private static readonly InterpreterOptions Children = new() { MaxDirectItems = 2, MinItemsPerChild = 4, MaxItemsPerChild = 4 };

    private const string Items = """
        name: items
        limits: { maxConcurrency: 3 }
        models: { m: { provider: openai, model: m } }
        agents: { a: { model: m, context: [] } }
        nodes: { each: { agent: a, forEach: "{{ input.items }}", prompt: "{{ item }}", onError: skip } }
        output: "{{ size(nodes.each.output) }}"
        """;

    [Fact]
    public async Task Items_OfChildren_ShowAsTheyEndAndAreCountedOnce()
    {
        await using var host = await TestHost.StartAsync(interpreter: Children);
        using var held = host.Clock.Hold();
        var gate = new SemaphoreSlim(0);
        host.Models.Respond = async (_, messages, _, cancellationToken) =>
        {
            await gate.WaitAsync(cancellationToken);
            return messages[^1].Text == "5" ? throw new ModelException(new CallError(ErrorCodes.BadRequest, "no", ErrorKind.Terminal)) : TestModels.Text("ok");
        };
        var id = await host.StartAsync(Items, new { items = Enumerable.Range(0, 12).ToArray() });

        for (var ended = 1; ended <= 11; ended++)
        {
            gate.Release();
            var status = await host.UntilAsync(id, status => Each(status)?.ItemsDone >= ended);
            var each = Each(status)!;
            Assert.Equal(("running", 12, ended, ended), (each.Status, each.Items, each.ItemsDone, each.Attempts));
            Assert.Equal(ended - each.ItemsFailed, status.Usage.ModelCalls);
            Assert.Equal(status.Usage.Tokens, each.Tokens);
            Assert.Null(each.Parts);
        }

        gate.Release();
        var last = await host.WaitAsync(id);
        Assert.Equal((12, 1, 12), (Each(last)!.ItemsDone, Each(last)!.ItemsFailed, Each(last)!.Attempts));
        Assert.Equal(11, last.Output!.Value.GetInt32());
        Assert.Null(Each(last)!.Parts);
    }

    [Fact]
    [Trait("Row", "C4")]
    public async Task Wait_OfACallInAChild_ShowsAtTheNodeUntilWhenAndWhy()
    {
        await using var host = await TestHost.StartAsync(interpreter: Children);
        var refuses = true;
        host.Models.Respond = (_, _, _, _) => refuses
            ? throw new ModelException(new CallError(ErrorCodes.RateLimited, "slow down", ErrorKind.RateLimited, 40_000))
            : Task.FromResult(TestModels.Text("ok"));
        var held = host.Clock.Hold();
        var start = host.Clock.GetUtcNow();
        var id = await host.StartAsync(Items, new { items = Enumerable.Range(0, 6).ToArray() });

        var waiting = Each(await host.UntilAsync(id, status => Each(status) is { WaitingUntil: not null, Status: not "running" }))!;
        refuses = false;
        held.Dispose();
        var last = await host.WaitAsync(id);

        Assert.Equal(("retrying", "retry_after", "slow down", "rate_limited"), (waiting.Status, waiting.WaitReason, waiting.WaitMessage, waiting.Error));
        Assert.Equal(40, (waiting.WaitingUntil!.Value - start).TotalSeconds, 1.0);
        Assert.Equal(("completed", null, null), (Each(last)!.Status, Each(last)!.WaitingUntil, Each(last)!.WaitReason));
    }

    [Fact]
    public async Task Lists_WhileChildrenRun_NameNoParts()
    {
        await using var host = await TestHost.StartAsync(interpreter: Children);
        using var held = host.Clock.Hold();
        var gate = new SemaphoreSlim(0);
        host.Models.Respond = async (_, _, _, cancellationToken) =>
        {
            await gate.WaitAsync(cancellationToken);
            return TestModels.Text("ok");
        };
        var id = await host.StartAsync(Items, new { items = Enumerable.Range(0, 8).ToArray() });
        await host.UntilAsync(id, status => status.HasItemsInChildren);

        var metadata = await host.Engine.Client.GetAsync(id);
        var listed = await host.Client.DescribeAsync(metadata!, new WorkflowStatusOptions());

        Assert.Null(Each(listed)!.Parts);
        Assert.False(listed.HasItemsInChildren);
        gate.Release(8);
        Assert.Equal(8, Each(await host.WaitAsync(id))!.ItemsDone);
    }

    /// <summary>The parent names the children at work in its own status, which has a limit: names and messages go before it is passed.</summary>
    [Fact]
    public async Task Parts_OfManyChildren_FitTheStatus()
    {
        await using var host = await TestHost.StartAsync(interpreter: new InterpreterOptions { MaxDirectItems = 2, MinItemsPerChild = 1, MaxItemsPerChild = 1 });
        using var held = host.Clock.Hold();
        var gate = new SemaphoreSlim(0);
        host.Models.Respond = async (_, _, _, cancellationToken) =>
        {
            await gate.WaitAsync(cancellationToken);
            return TestModels.Text("ok");
        };
        var id = await host.StartAsync(Items.Replace("maxConcurrency: 3", "maxConcurrency: 1000", StringComparison.Ordinal), new { items = Enumerable.Range(0, 200).ToArray() });
        gate.Release(40);

        var status = await host.UntilAsync(id, status => Each(status)?.ItemsDone >= 40);
        var metadata = await host.Engine.Client.GetAsync(id);

        Assert.Equal(40, Each(status)!.ItemsDone);
        Assert.InRange(System.Text.Encoding.UTF8.GetByteCount(metadata!.CustomStatus!), 1, DurableLimits.MaxCustomStatusBytes);
        gate.Release(160);
        Assert.Equal(200, Each(await host.WaitAsync(id))!.ItemsDone);
    }

    private static NodeProgress? Each(WorkflowStatus status) => status.CustomStatus is { Nodes: [var node, ..] } ? node : null;
}
