using Polyphony.Core.Durable;
using Polyphony.Core.Durable.History;

namespace Polyphony.Engine.Tests.Runtime;

/// <summary>Activities whose result nobody waits for any more.</summary>
[Trait("Row", "B10")]
public sealed class CancelledActivityTests
{
    private static CancellationToken Soon => new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token;

    [Fact]
    public async Task Cancel_ByTheCode_TellsTheActivityAndNobodyHandsItOutAgain()
    {
        using var folder = new TemporaryFolder();
        var slow = new SlowActivity();
        var registry = slow.Register(new DurableRegistry()).AddOrchestration("o", CancelAndGoOnAsync);
        await using (var engine = await EmbeddedEngine.StartAsync(new EngineOptions { Path = folder.Data }, registry))
        {
            await engine.Client.StartAsync("o", null, new() { InstanceId = "a" }, Soon);
            await slow.Begun.WaitAsync(Soon);
            await engine.Client.RaiseEventAsync("a", "cancel", null, Soon);
            await slow.Cancelled.WaitAsync(Soon);
        }

        await using (var engine = await EmbeddedEngine.StartAsync(new EngineOptions { Path = folder.Data }, registry))
        {
            await engine.Client.RaiseEventAsync("a", "go", "\"on\"", Soon);
            Assert.Equal("\"on\"", (await engine.Client.WaitForCompletionAsync("a", Soon)).Output);
            var history = await engine.Client.GetHistoryAsync("a", 0, Soon);
            Assert.Equal(Assert.Single(history.OfType<TaskScheduled>()).TaskId, Assert.Single(history.OfType<TaskCancelled>()).TaskId);
            Assert.Empty(history.OfType<TaskCompleted>());
        }

        Assert.Equal(1, slow.Runs);
    }

    [Fact]
    public async Task Cancel_NotBegunYet_IsNeverBegun()
    {
        var slow = new SlowActivity();
        var registry = slow.Register(new DurableRegistry())
            .AddActivity("quick", (_, _) => Task.FromResult<string?>("1"))
            .AddOrchestration("first", (context, _) => context.CallActivityAsync("slow", "first"))
            .AddOrchestration("o", CancelAndGoOnAsync)
            .AddOrchestration("quick", (context, _) => context.CallActivityAsync("quick", null));
        await using var engine = await EmbeddedEngine.StartAsync(new EngineOptions { MaxConcurrentActivities = 1 }, registry);
        await engine.Client.StartAsync("first", null, new() { InstanceId = "first" }, Soon);
        await slow.Begun.WaitAsync(Soon);
        await engine.Client.StartAsync("o", null, new() { InstanceId = "a" }, Soon);
        while (engine.Activities.Ready == 0)
        {
            await Task.Yield();
        }

        await engine.Client.RaiseEventAsync("a", "cancel", null, Soon);
        await engine.Client.RaiseEventAsync("a", "go", "1", Soon);
        await engine.Client.WaitForCompletionAsync("a", Soon);
        Assert.Equal((1, 0), engine.Activities);

        // What waits behind it gets the slot.
        await engine.Client.TerminateAsync("first", null, Soon);
        await engine.Client.StartAsync("quick", null, new() { InstanceId = "quick" }, Soon);
        Assert.Equal("1", (await engine.Client.WaitForCompletionAsync("quick", Soon)).Output);
        Assert.Equal(1, slow.Runs);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Terminate_ActivityUnderWay_IsCancelledAlsoInAChild(bool inChild)
    {
        var slow = new SlowActivity();
        var registry = slow.Register(new DurableRegistry())
            .AddOrchestration("child", (context, _) => context.CallActivityAsync("slow", null))
            .AddOrchestration("parent", (context, _) => context.CallSubOrchestrationAsync("child", null, null));
        await using var engine = await EmbeddedEngine.StartAsync(new EngineOptions(), registry);
        await engine.Client.StartAsync(inChild ? "parent" : "child", null, new() { InstanceId = "a" }, Soon);
        await slow.Begun.WaitAsync(Soon);

        await engine.Client.TerminateAsync("a", null, Soon);

        await slow.Cancelled.WaitAsync(Soon);
        while (engine.Activities.Running > 0)
        {
            await Task.Yield();
        }
    }

    [Fact]
    public async Task End_WhileAnActivityIsUnderWay_CancelsIt()
    {
        var slow = new SlowActivity();
        var registry = slow.Register(new DurableRegistry()).AddOrchestration("o", async (context, input) =>
        {
            _ = context.CallActivityAsync("slow", null);
            return await context.WaitForExternalEventAsync("go");
        });
        await using var engine = await EmbeddedEngine.StartAsync(new EngineOptions(), registry);
        await engine.Client.StartAsync("o", null, new() { InstanceId = "a" }, Soon);
        await slow.Begun.WaitAsync(Soon);
        await engine.Client.RaiseEventAsync("a", "go", null, Soon);
        await slow.Cancelled.WaitAsync(Soon);
    }

    [Fact]
    public async Task Suspend_ActivityUnderWay_IsLeftAlone()
    {
        var slow = new SlowActivity();
        var registry = slow.Register(new DurableRegistry()).AddOrchestration("o", (context, _) => context.CallActivityAsync("slow", null));
        await using var engine = await EmbeddedEngine.StartAsync(new EngineOptions(), registry);
        await engine.Client.StartAsync("o", null, new() { InstanceId = "a" }, Soon);
        await slow.Begun.WaitAsync(Soon);
        await engine.Client.SuspendAsync("a", null, Soon);
        slow.Answer("\"kept\"");
        await engine.Client.ResumeAsync("a", null, Soon);
        Assert.Equal("\"kept\"", (await engine.Client.WaitForCompletionAsync("a", Soon)).Output);
        Assert.False(slow.Cancelled.IsCompleted);
    }

    [Fact]
    public async Task Terminate_ActivityDeafToItsToken_ResultIsDropped()
    {
        var begun = new TaskCompletionSource();
        var answer = new TaskCompletionSource<string?>();
        var registry = new DurableRegistry()
            .AddActivity("deaf", (_, _) =>
            {
                begun.TrySetResult();
                return answer.Task;
            })
            .AddOrchestration("o", (context, _) => context.CallActivityAsync("deaf", null));
        await using var engine = await EmbeddedEngine.StartAsync(new EngineOptions(), registry);
        await engine.Client.StartAsync("o", null, new() { InstanceId = "a" }, Soon);
        await begun.Task.WaitAsync(Soon);
        await engine.Client.TerminateAsync("a", "\"ended\"", Soon);
        answer.SetResult("\"late\"");
        while (engine.Activities.Running > 0)
        {
            await Task.Yield();
        }

        var ended = await engine.Client.GetAsync("a", cancellationToken: Soon);
        Assert.Equal((OrchestrationRuntimeStatus.Terminated, "\"ended\""), (ended!.RuntimeStatus, ended.Output));
        Assert.Empty((await engine.Client.GetHistoryAsync("a", 0, Soon)).OfType<TaskCompleted>());
    }

    private static async Task<string?> CancelAndGoOnAsync(OrchestrationContext context, string? input)
    {
        using var cancel = new CancellationTokenSource();
        var call = context.CallActivityAsync("slow", input, cancel.Token);
        await context.WaitForExternalEventAsync("cancel");
        cancel.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        return await context.WaitForExternalEventAsync("go");
    }

    private sealed class SlowActivity
    {
        private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _cancelled = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource<string?> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _runs;

        public Task Begun => _begun.Task;

        public Task Cancelled => _cancelled.Task;

        public int Runs => Volatile.Read(ref _runs);

        public void Answer(string answer) => _answer.SetResult(answer);

        public DurableRegistry Register(DurableRegistry registry) => registry.AddActivity("slow", async (context, _) =>
        {
            Interlocked.Increment(ref _runs);
            _begun.TrySetResult();
            try
            {
                return await _answer.Task.WaitAsync(context.CancellationToken);
            }
            catch (OperationCanceledException)
            {
                _cancelled.TrySetResult();
                throw;
            }
        });
    }
}
