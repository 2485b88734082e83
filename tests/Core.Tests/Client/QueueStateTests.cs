using System.Text.Json;
using Polyphony.Core.Client;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Tests.Client;

/// <summary>What an unfinished instance counts as, by its custom status.</summary>
[Trait("Row", "C6")]
public sealed class QueueStateTests
{
    private static readonly DateTimeOffset Time = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(OrchestrationRuntimeStatus.Pending, nameof(QueueState.Pending))]
    [InlineData(OrchestrationRuntimeStatus.Suspended, nameof(QueueState.Suspended))]
    [InlineData(OrchestrationRuntimeStatus.Running, nameof(QueueState.Running))]
    public void StateOf_WithoutACustomStatus_IsThatOfItsLifeCycle(OrchestrationRuntimeStatus status, string state) =>
        Assert.Equal(state, QueueReader.StateOf(Instance(null) with { RuntimeStatus = status }).ToString());

    [Theory]
    [InlineData(CallWaitReasons.RetryAfter, nameof(QueueState.Throttled))]
    [InlineData(CallWaitReasons.RequestsPerMinute, nameof(QueueState.Throttled))]
    [InlineData(CallWaitReasons.TokensPerMinute, nameof(QueueState.Throttled))]
    [InlineData(CallWaitReasons.Retry, nameof(QueueState.WaitingForTimers))]
    public void StateOf_ACallThatWaits_IsByItsReason(string reason, string state) =>
        Assert.Equal(state, StateOf([Node("a", "waiting") with { WaitingUntil = Time, WaitReason = reason }, Node("b", "pending")]));

    [Theory]
    [InlineData("human", nameof(QueueState.WaitingForPeople))]
    [InlineData("event", nameof(QueueState.WaitingForEvents))]
    [InlineData("timer", nameof(QueueState.WaitingForTimers))]
    public void StateOf_ANodeThatWaitsOutside_IsByWhatFor(string kind, string state) =>
        Assert.Equal(state, StateOf([Node("a", "waiting")], new PendingWait("a", kind, null, null, null)));

    [Fact]
    public void StateOf_ANodeThatWaitsForALock_IsNotRunning()
    {
        var wait = new PendingWait("a[3]#2", "lock", null, null, null) { Lock = "printer" };

        Assert.Equal(nameof(QueueState.WaitingForLocks), StateOf([Node("a", "running")], wait));
        Assert.Equal(nameof(QueueState.Running), StateOf([Node("a", "running"), Node("b", "running")], wait));
    }

    [Fact]
    public void StateOf_ARunThatWaitsForAPlaceOfItsSubscription_WaitsForALock() =>
        Assert.Equal(nameof(QueueState.WaitingForLocks), StateOf([], new PendingWait("", PendingWait.Place, null, null, null)));

    [Fact]
    public void StateOf_SeveralThatApply_IsTheFirst()
    {
        var throttled = Node("a", "waiting") with { WaitingUntil = Time, WaitReason = CallWaitReasons.RetryAfter };
        PendingWait[] waits = [new("t", "timer", null, null, Time), new("h", "human", null, null, null)];

        Assert.Equal(nameof(QueueState.Running), StateOf([throttled, Node("b", "running")], waits));
        Assert.Equal(nameof(QueueState.Throttled), StateOf([throttled, Node("h", "waiting"), Node("t", "waiting")], waits));
        Assert.Equal(nameof(QueueState.WaitingForPeople), StateOf([Node("h", "waiting"), Node("t", "waiting")], waits));
    }

    [Fact]
    public void StateOf_AnOrchestrationThatIsNoWorkflow_IsRunningWhateverItsStatusSays() =>
        Assert.Equal(QueueState.Running, QueueReader.StateOf(Instance("\"half done\"") with { Name = "mine" }));

    private static NodeProgress Node(string name, string status) => new() { Node = name, Status = status };

    private static string StateOf(NodeProgress[] nodes, params PendingWait[] waits) =>
        QueueReader.StateOf(Instance(JsonSerializer.Serialize(new WorkflowProgress { Total = nodes.Length, Nodes = nodes, WaitingFor = waits }, CoreJsonContext.Default.WorkflowProgress))).ToString();

    private static OrchestrationMetadata Instance(string? status) => new()
    {
        InstanceId = "i",
        Name = TaskNames.WorkflowOrchestration,
        RuntimeStatus = OrchestrationRuntimeStatus.Running,
        CreatedTime = Time,
        LastUpdatedTime = Time,
        Version = 1,
        CustomStatus = status,
    };
}
