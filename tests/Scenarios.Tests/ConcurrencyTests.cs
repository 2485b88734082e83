namespace Polyphony.Scenarios.Tests;

/// <summary>How much runs at once.</summary>
public sealed class ConcurrencyTests
{
    [Theory]
    [InlineData(100, null, 5)]
    [InlineData(100, 7, 7)]
    [InlineData(1000, 20, 20)]
    [InlineData(1000, 333, 333)]
    [Trait("Row", "C2")]
    public async Task MaxConcurrency_ManyReady_IsReachedAndNeverExceeded(int items, int? limit, int expected)
    {
        await using var host = await TestHost.StartAsync();
        host.Models.Respond = async (_, messages, _, cancellationToken) =>
        {
            await Task.Delay(TimeSpan.FromSeconds(1 + (messages[^1].Text.Length % 3)), host.Clock, cancellationToken);
            return TestModels.Text("x");
        };
        var status = await host.RunAsync(
            $$$"""
            name: limited
            {{{(limit is null ? "" : $"limits: {{ maxConcurrency: {limit} }}")}}}
            models: { m: { provider: offline } }
            agents: { a: { model: m, context: [] } }
            nodes: { each: { agent: a, forEach: "{{ input.items }}", prompt: "{{ item }}" } }
            """,
            new { items = Enumerable.Range(0, items).ToArray() });
        Assert.Equal("completed", status.Reason());
        Assert.Equal(items, host.Models.Calls);
        Assert.Equal(expected, host.Models.MaxInFlight);
    }

    /// <summary>A list that is divided among children takes a slot for each item and no more: what is ready beside it begins at once.</summary>
    [Fact]
    [Trait("Row", "C2")]
    [Trait("Row", "O5")]
    public async Task MaxConcurrency_ForEachOfFewerItems_LeavesTheOtherSlotsToNodesBeside()
    {
        await using var host = await TestHost.StartAsync();
        host.Models.Respond = async (_, _, _, cancellationToken) =>
        {
            await Task.Delay(TimeSpan.FromSeconds(20), host.Clock, cancellationToken);
            return TestModels.Text("x");
        };
        var status = await host.RunAsync(
            """
            name: beside
            limits: { maxConcurrency: 100 }
            models: { m: { provider: offline } }
            agents: { a: { model: m, context: [] } }
            nodes:
              each: { agent: a, forEach: "{{ input.items }}", prompt: "{{ item }}" }
              pause: { wait: 5s }
              one: { agent: a, prompt: one }
            edges: [ pause -> one ]
            """,
            new { items = Enumerable.Range(0, 65).ToArray() });

        Assert.Equal("completed", status.Reason());
        Assert.Equal(66, host.Models.MaxInFlight);
    }

    [Fact]
    [Trait("Row", "C2")]
    public async Task MaxConcurrency_TwoNodesAndTimeouts_HoldsOverAllOfThem()
    {
        await using var host = await TestHost.StartAsync();
        var (inFlight, max) = (0, 0);
        var gate = new Lock();
        host.Models.Respond = async (_, messages, _, cancellationToken) =>
        {
            Count(1);
            var left = 0;
            await using var cancelled = cancellationToken.Register(Leave);
            await Task.Delay(TimeSpan.FromSeconds(messages[^1].Text == "slow" ? 20 : 2), host.Clock, cancellationToken);
            Leave();
            return TestModels.Text("x");

            // A call that is cancelled when its node times out no longer takes a slot, as soon as it is told.
            void Leave() => Count(Interlocked.Exchange(ref left, 1) == 0 ? -1 : 0);
        };
        void Count(int change)
        {
            lock (gate)
            {
                inFlight += change;
                max = Math.Max(max, inFlight);
            }
        }

        var status = await host.RunAsync(
            """
            name: two
            limits: { maxConcurrency: 4 }
            models: { m: { provider: offline } }
            agents: { a: { model: m, context: [], timeout: 30s } }
            nodes:
              slow: { agent: a, forEach: "{{ input.items }}", prompt: slow, timeout: 5s, onError: skip }
              quick: { agent: a, forEach: "{{ input.items }}", prompt: quick }
              end: { transform: [ "{{ size(nodes.slow.output) }}", "{{ size(nodes.quick.output) }}" ] }
            edges: [ "[slow, quick] -> end" ]
            """,
            new { items = Enumerable.Range(0, 12).ToArray() });
        Assert.Equal("[0,12]", status.Output!.Value.GetRawText());

        // Up to four are being told of their cancellation while the next four begin.
        Assert.InRange(max, 4, 8);
    }

    [Fact]
    [Trait("Row", "C1")]
    public async Task ThousandWaitingAgents_HoldNoThread()
    {
        await using var host = await TestHost.StartAsync();
        using var arrived = new CountdownEvent(1000);
        var answer = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        host.Models.Respond = async (_, _, _, _) =>
        {
            arrived.Signal();
            await answer.Task;
            return TestModels.Text("x");
        };
        using var hold = host.Clock.Hold();
        var definition = TestHost.Parse("""
            name: waiting
            models: { m: { provider: offline } }
            agents: { a: { model: m, context: [] } }
            nodes: { call: { agent: a, prompt: x } }
            """);
        var ids = await Task.WhenAll(Enumerable.Range(0, 1000).Select(_ => host.Client.StartAsync(definition, TestHost.Json(null))));
        Assert.True(arrived.Wait(TimeSpan.FromSeconds(60)));

        // A thousand calls are under way; were each to hold a thread, there would be a thousand.
        Assert.InRange(ThreadPool.ThreadCount, 1, 100);
        answer.SetResult();
        foreach (var id in ids)
        {
            Assert.Equal("completed", (await host.WaitAsync(id)).Reason());
        }
    }
}
