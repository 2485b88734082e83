using Microsoft.DurableTask;
using Microsoft.DurableTask.Entities;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Polyphony.Core.Durable;
using Polyphony.DurableFunctions.Durable;

namespace Polyphony.DurableFunctions.Tests.Durable;

/// <summary>
/// An orchestrator function does not return before the calls that nobody waits for any more: a worker with extended sessions gives up the session of one that has returned, and every answer after that
/// is refused until the host has sent the history again.
/// </summary>
[Trait("Row", "B10")]
public sealed class OrchestrationEndTests
{
    private readonly StepContext _step = new();

    [Theory]
    [InlineData("return")]
    [InlineData("throw")]
    [InlineData("continue")]
    public async Task Function_EndsWhileACancelledCallGoesOn_EndsWithTheCallAndUnmarksTheStatus(string how)
    {
        var run = await RunAsync(Function);

        Assert.False(run.IsCompleted);
        Assert.Null(_step.Continued);
        Assert.Equal("""{"polyphony-call":1,"input":7}""", _step.ActivityInput);
        Assert.Equal("""{"polyphony-cancelled":[1],"status":"mine"}""", _step.Status);

        await OnOneThreadAsync(() => _step.Activity.TrySetResult(null));
        if (how == "throw")
        {
            Assert.Contains("[code]", (await Assert.ThrowsAsync<CodedFailureException>(() => run)).Message, StringComparison.Ordinal);
        }
        else
        {
            Assert.Equal("8", (await run)?.Text);
        }

        Assert.Equal("\"mine\"", _step.Status);
        Assert.Equal(how == "continue" ? "9" : null, _step.Continued);

        async Task<string?> Function(OrchestrationContext context, string? input)
        {
            context.SetCustomStatus("\"mine\"");
            using var cancel = new CancellationTokenSource();
            var call = context.CallActivityAsync("slow", "7", cancel.Token);
            cancel.Cancel();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
            switch (how)
            {
                case "throw":
                    throw new PolyphonyException("code", "no");
                case "continue":
                    context.ContinueAsNew("9");
                    break;
            }

            return "8";
        }
    }

    [Fact]
    public async Task SetCustomStatus_TooLargeForTheMark_IsBackWhenTheCallHasReturned()
    {
        var large = $"\"{new string('x', DurableLimits.MaxCustomStatusBytes - 2)}\"";
        var run = await RunAsync((context, input) =>
        {
            using var cancel = new CancellationTokenSource();
            _ = context.CallActivityAsync("slow", null, cancel.Token);
            context.SetCustomStatus(large);
            cancel.Cancel();
            return Task.FromResult<string?>(null);
        });

        Assert.Equal("""{"polyphony-cancelled":[1],"status":null}""", _step.Status);
        await OnOneThreadAsync(() => _step.Activity.TrySetResult(null));
        await run;
        Assert.Equal(large, _step.Status);
    }

    private Task<Task<RawJson?>> RunAsync(OrchestrationFunction function) => OnOneThreadAsync(() => OrchestrationContextAdapter.RunAsync(_step, function, null));

    /// <summary>As in an orchestration, whose scheduler is one like this, everything that is awaited goes on where it is completed, one after the other.</summary>
    private static Task<T> OnOneThreadAsync<T>(Func<T> turn) => Task.Factory.StartNew(turn, CancellationToken.None, TaskCreationOptions.DenyChildAttach, new InPlace());

    private sealed class InPlace : TaskScheduler
    {
        protected override IEnumerable<Task> GetScheduledTasks() => [];

        protected override void QueueTask(Task task)
        {
            // Tasks of an orchestration find no context of the tests.
            var context = SynchronizationContext.Current;
            SynchronizationContext.SetSynchronizationContext(null);
            try
            {
                TryExecuteTask(task);
            }
            finally
            {
                SynchronizationContext.SetSynchronizationContext(context);
            }
        }

        protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => TryExecuteTask(task);
    }

    /// <summary>One step of an orchestration with one activity.</summary>
    private sealed class StepContext : TaskOrchestrationContext
    {
        public TaskCompletionSource<RawJson?> Activity { get; } = new();

        public string? ActivityInput { get; private set; }

        public string? Status { get; private set; }

        public string? Continued { get; private set; }

        public override TaskName Name => "o";

        public override string InstanceId => "a";

        public override ParentOrchestrationInstance? Parent => null;

        public override DateTime CurrentUtcDateTime => DateTime.UnixEpoch;

        public override bool IsReplaying => false;

        public override TaskOrchestrationEntityFeature Entities => throw new NotSupportedException();

        protected override ILoggerFactory LoggerFactory => NullLoggerFactory.Instance;

        public override T GetInput<T>() => default!;

        public override async Task<TResult> CallActivityAsync<TResult>(TaskName name, object? input = null, TaskOptions? options = null)
        {
            ActivityInput = input?.ToString();
            return (TResult)(object)(await Activity.Task)!;
        }

        public override void SetCustomStatus(object? customStatus) => Status = customStatus?.ToString();

        public override void ContinueAsNew(object? newInput = null, bool preserveUnprocessedEvents = true) => Continued = newInput?.ToString();

        public override Task CreateTimer(DateTime fireAt, CancellationToken cancellationToken) => throw new NotSupportedException();

        public override Task<T> WaitForExternalEvent<T>(string eventName, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public override void SendEvent(string instanceId, string eventName, object payload) => throw new NotSupportedException();

        public override Task<TResult> CallSubOrchestratorAsync<TResult>(TaskName orchestratorName, object? input = null, TaskOptions? options = null) => throw new NotSupportedException();

        public override Guid NewGuid() => throw new NotSupportedException();
    }
}
