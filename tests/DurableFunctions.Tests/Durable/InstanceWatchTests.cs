using Polyphony.Core.Durable;
using Polyphony.DurableFunctions.Durable;
using Polyphony.TestKit.Clocks;
using DurableStatus = Microsoft.DurableTask.Client.OrchestrationRuntimeStatus;

namespace Polyphony.DurableFunctions.Tests.Durable;

/// <summary>When an activity under way is cancelled by what is seen of its instance.</summary>
[Trait("Row", "B10")]
public sealed class InstanceWatchTests : IAsyncDisposable
{
    private readonly FakeDurableClient _client = new();
    private readonly FakeClock _clock = new();

    private static CancellationToken Soon => new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token;

    public ValueTask DisposeAsync() => _client.DisposeAsync();

    [Fact]
    public async Task Look_InstanceNotWrittenYet_LeavesTheActivityAlone()
    {
        var (run, cancelled, go) = Begin();
        await LookAsync(times: 10);
        _client.Add("a", status: DurableStatus.Running);
        await LookAsync(times: 2);
        Assert.False(cancelled.IsCompleted);
        go.SetResult("1");
        Assert.Equal("1", (await run)!.Text);
    }

    [Fact]
    public async Task Look_InstanceWasPurged_CancelsWithTheSecond()
    {
        _client.Add("a", status: DurableStatus.Running);
        var (run, cancelled, _) = Begin();
        await LookAsync(times: 1);
        _client.Instances.Clear();
        await LookAsync(times: 1);
        Assert.False(cancelled.IsCompleted);
        await LookAsync(times: 1);
        await cancelled.WaitAsync(Soon);
        Assert.Null(await run);
    }

    [Theory]
    [InlineData(DurableStatus.Completed)]
    [InlineData(DurableStatus.Failed)]
    [InlineData(DurableStatus.Terminated)]
    public async Task Look_InstanceHasEnded_Cancels(DurableStatus status)
    {
        _client.Add("a", status: status);
        var (run, cancelled, _) = Begin();
        await LookAsync(times: 1);
        await cancelled.WaitAsync(Soon);
        Assert.Null(await run);
    }

    [Theory]
    [InlineData("""{"polyphony-cancelled":[3,7],"status":{"total":1}}""", true)]
    [InlineData("""{ "polyphony-cancelled" : [ 7 ], "status" : null }""", true)]
    [InlineData("""{"polyphony-cancelled":[3,8],"status":null}""", false)]
    [InlineData("""{"total":7}""", false)]
    [InlineData("\"7\"", false)]
    [InlineData(null, false)]
    public async Task Look_CustomStatusNamesTheCall_Cancels(string? status, bool cancels)
    {
        _client.Add("a", status: DurableStatus.Running);
        _client.SetCustomStatus("a", status);
        var (run, cancelled, go) = Begin("""{ "polyphony-call": 7, "input": "x" }""");
        await LookAsync(times: 1);
        if (cancels)
        {
            await cancelled.WaitAsync(Soon);
        }
        else
        {
            await LookAsync(times: 1);
            Assert.False(cancelled.IsCompleted);
            go.SetResult("1");
        }

        Assert.Equal(cancels ? null : "1", (await run)?.Text);
    }

    private (Task<RawJson?> Run, Task Cancelled, TaskCompletionSource<string?> Go) Begin(string? input = null)
    {
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var go = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        var run = new InstanceWatch(_clock).RunAsync(
            _client,
            async (context, _) =>
            {
                var wait = go.Task.WaitAsync(context.CancellationToken);
                await using var told = context.CancellationToken.Register(() => cancelled.TrySetResult());
                return await wait;
            },
            new ActivityContext { Name = "slow", InstanceId = "a", CancellationToken = CancellationToken.None },
            RawJson.Of(input));
        return (run, cancelled.Task, go);
    }

    /// <summary>Lets time go on until so many more looks have been made.</summary>
    private async Task LookAsync(int times)
    {
        for (var i = 0; i < times; i++)
        {
            var before = _client.Looks;
            _clock.Advance(InstanceWatch.Period);
            for (var end = Soon; _client.Looks == before; await Task.Yield())
            {
                end.ThrowIfCancellationRequested();
            }
        }
    }
}
