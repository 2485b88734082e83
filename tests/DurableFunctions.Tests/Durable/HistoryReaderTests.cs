using DurableTask.Core;
using DurableTask.Core.History;
using Polyphony.Core.Durable.History;
using Polyphony.DurableFunctions.Durable;
using CoreEvent = Polyphony.Core.Durable.History.HistoryEvent;
using CoreFailure = Polyphony.Core.Durable.FailureDetails;
using CoreParent = Polyphony.Core.Durable.ParentInstance;
using DurableEvent = DurableTask.Core.History.HistoryEvent;
using DurableFailure = DurableTask.Core.FailureDetails;

namespace Polyphony.DurableFunctions.Tests.Durable;

/// <summary>Durable Task's events in Core's words.</summary>
[Trait("Row", "H2")]
public sealed class HistoryReaderTests
{
    // 2030-01-01 is 3,653 days after 2020-01-01: 315,619,200 seconds.
    private const long FirstSequence = 315_619_200_000_000;
    private static readonly DateTime Start = new(2030, 1, 1, 0, 0, 0, DateTimeKind.Utc);
    private static readonly OrchestrationInstance Instance = new() { InstanceId = "a", ExecutionId = "x" };

    [Fact]
    public void Read_AStep_BeginsWithTheStartAndCountsMicroseconds()
    {
        var read = Read(
            new OrchestratorStartedEvent(-1),
            new ExecutionStartedEvent(-1, "{\"n\":1.0}") { Name = "o", OrchestrationInstance = Instance, Tags = new Dictionary<string, string> { ["k"] = "v", ["polyphony-parent"] = "p" } },
            new TaskScheduledEvent(0, "echo", "", "[[1,2]]"),
            new OrchestratorCompletedEvent(-1),
            new OrchestratorStartedEvent(-1),
            new TaskCompletedEvent(-1, 0, "[1,2]"));

        Assert.Equal(["ExecutionStarted", "OrchestratorStarted", "TaskScheduled", "OrchestratorStarted", "TaskCompleted"], read.Select(e => e.GetType().Name));
        var start = Assert.IsType<ExecutionStarted>(read[0]);
        Assert.Equal(("o", "{\"n\":1.0}", null), (start.Name, start.Input, start.Parent));
        Assert.Equal(new Dictionary<string, string> { ["k"] = "v" }, start.Tags);
        Assert.Equal(new TaskScheduled(0, "echo", "[1,2]"), Bare(read[2]));
        Assert.Equal(new TaskCompleted(0, "[1,2]"), Bare(read[4]));

        // The events are a millisecond apart; the first two change places.
        Assert.Equal([FirstSequence + 1000, FirstSequence + 1001, FirstSequence + 2000, FirstSequence + 4000, FirstSequence + 5000], read.Select(e => e.Sequence));
        Assert.Equal(new DateTimeOffset(Start).AddMilliseconds(2), read[2].Timestamp);
    }

    [Fact]
    public void Read_EventsOfTheSameTime_StillGrow()
    {
        var same = Enumerable.Range(0, 3).Select(i => new TimerFiredEvent(-1, Start) { TimerId = i, Timestamp = Start });

        Assert.Equal([FirstSequence, FirstSequence + 1, FirstSequence + 2], HistoryReader.Read(same).Select(e => e.Sequence));
    }

    [Theory]
    [InlineData("[3]", "3")]
    [InlineData("[\"a]\"]", "\"a]\"")]
    [InlineData("[[]]", "[]")]
    [InlineData("[null]", null)]
    [InlineData("""[{"polyphony-call":7,"input":{"a":1}}]""", """{"a":1}""")]
    [InlineData("""[{"polyphony-call":7,"input":null}]""", null)]
    [InlineData("[]", null)]
    [InlineData(null, null)]
    public void Read_ActivityInput_IsWithoutTheListAroundIt(string? arguments, string? expected) =>
        Assert.Equal(new TaskScheduled(4, "echo", expected), One(new TaskScheduledEvent(4, "echo", "", arguments)));

    [Fact]
    public void Read_Child_IsToldWithItsParent()
    {
        var parent = new ParentInstance { Name = "above", TaskScheduleId = 7, OrchestrationInstance = new OrchestrationInstance { InstanceId = "p" } };

        var start = Assert.IsType<ExecutionStarted>(One(new ExecutionStartedEvent(-1, null) { Name = "o", OrchestrationInstance = Instance, ParentInstance = parent, ScheduledStartTime = Start }));

        Assert.Equal((new CoreParent("above", "p"), 7, new DateTimeOffset(Start)), (start.Parent, start.ParentTaskId, start.StartAt));
    }

    [Fact]
    public void Read_EachKind_KeepsWhatItSays()
    {
        var failure = new DurableFailure("System.InvalidOperationException", "no", "at X", null, false);
        (DurableEvent Durable, CoreEvent Expected)[] pairs =
        [
            (new ContinueAsNewEvent(-1, "2"), new ContinuedAsNew("2")),
            (new ExecutionCompletedEvent(-1, "1", OrchestrationStatus.Completed), new ExecutionCompleted("1")),
            (new ExecutionCompletedEvent(-1, "\"stop\"", OrchestrationStatus.Terminated), new ExecutionTerminated("\"stop\"")),
            (new ExecutionCompletedEvent(-1, null, OrchestrationStatus.Failed, failure), new ExecutionFailed(new CoreFailure("System.InvalidOperationException", "no", "at X"))),
            (new ExecutionCompletedEvent(-1, "System.ArgumentException: bad", OrchestrationStatus.Failed), new ExecutionFailed(new CoreFailure("System.ArgumentException", "bad"))),
            (new ExecutionTerminatedEvent(-1, "\"x\""), new ExecutionTerminated("\"x\"")),
            (new ExecutionSuspendedEvent(-1, "lunch"), new ExecutionSuspended("lunch")),
            (new ExecutionResumedEvent(-1, "back"), new ExecutionResumed("back")),
            (new TaskFailedEvent(-1, 3, null, null, failure), new TaskFailed(3, new CoreFailure("System.InvalidOperationException", "no", "at X"))),
            (new SubOrchestrationInstanceCreatedEvent(4) { Name = "c", InstanceId = "a:1", Input = "1" }, new SubOrchestrationCreated(4, "c", "a:1", "1")),
            (new SubOrchestrationInstanceCompletedEvent(-1, 4, "2"), new SubOrchestrationCompleted(4, "2")),
            (new SubOrchestrationInstanceFailedEvent(-1, 4, null, null, failure), new SubOrchestrationFailed(4, new CoreFailure("System.InvalidOperationException", "no", "at X"))),
            (new TimerCreatedEvent(5, Start), new TimerCreated(5, new DateTimeOffset(Start))),
            (new TimerFiredEvent(-1, Start) { TimerId = 5 }, new TimerFired(5)),
            (new EventSentEvent(6) { InstanceId = "b", Name = "x", Input = "1" }, new EventSent(6, "b", "x", "1")),
            (new EventRaisedEvent(-1, "1") { Name = "go" }, new EventRaised("go", "1")),
        ];

        Assert.All(pairs, pair => Assert.Equal(pair.Expected, One(pair.Durable)));
    }

    [Fact]
    public void Read_TerminatedChild_HasItsCode() =>
        Assert.Equal("terminated", Assert.IsType<SubOrchestrationFailed>(One(new SubOrchestrationInstanceFailedEvent(-1, 4, "\"enough\"", null))).FailureDetails.ErrorType);

    [Fact]
    public void Read_CodedFailureWithCause_KeepsBothCodes()
    {
        var inner = new DurableFailure("Polyphony.DurableFunctions.Durable.CodedFailureException", "[rate_limited] wait", null, null, false);
        var outer = new DurableFailure("Polyphony.DurableFunctions.Durable.CodedFailureException", "[task_failed] \"agent\" failed", null, inner, false);

        Assert.Equal(
            new TaskFailed(0, new CoreFailure("task_failed", "\"agent\" failed", null, new CoreFailure("rate_limited", "wait"))),
            One(new TaskFailedEvent(-1, 0, null, null, outer)));
    }

    [Fact]
    [Trait("Row", "S7")]
    public void Read_EntityCallsAndSignals_AreToldApartAndTheAnswersFindThem()
    {
        const string Entity = "@counter@a";
        var read = Read(
            new EventSentEvent(1) { InstanceId = Entity, Name = "op", Input = """{"op":"add","input":"{\"n\":1}","id":"0f0f","parent":"a"}""" },
            new EventSentEvent(2) { InstanceId = Entity, Name = "op", Input = """{"op":"note","signal":true,"input":"[1]","id":"1a1a"}""" },
            new EventSentEvent(3) { InstanceId = Entity, Name = "op", Input = """{"op":"get","id":"2b2b","parent":"a"}""" },
            new EventSentEvent(4) { InstanceId = Entity, Name = "op", Input = """{"op":"old","id":"3c3c","parent":"a"}""" },
            new EventSentEvent(5) { InstanceId = Entity, Name = "op@2030-01-01T00:00:00Z", Input = """{"op":"later","signal":true,"id":"4d4d"}""" },
            new EventSentEvent(6) { InstanceId = Entity, Name = "release", Input = """{"parent":"a","id":"5e5e"}""" },
            new EventRaisedEvent(-1, """{"result":"2"}""") { Name = "2b2b" },
            new EventRaisedEvent(-1, """{"failureDetails":{"ErrorType":"Polyphony.DurableFunctions.Durable.CodedFailureException","ErrorMessage":"[quota_used] none left"}}""") { Name = "0f0f" },
            new EventRaisedEvent(-1, """{"result":"no","exceptionType":"System.Exception"}""") { Name = "3c3c" },
            new EventRaisedEvent(-1, "9") { Name = "2b2b" });

        Assert.Equal(
            [
                new EntityCalled(1, Entity, "add", "{\"n\":1}"),
                new EntitySignaled(2, Entity, "note", "[1]"),
                new EntityCalled(3, Entity, "get", null),
                new EntityCalled(4, Entity, "old", null),
                new EntitySignaled(5, Entity, "later", null),
                new EntityOperationCompleted(3, "2"),
                new EntityOperationFailed(1, new CoreFailure("quota_used", "none left")),
                new EntityOperationFailed(4, new CoreFailure("System.Exception", "no")),
                new EventRaised("2b2b", "9"),
            ],
            read.Select(Bare));
    }

    [Fact]
    [Trait("Row", "O7")]
    public void Read_NextGeneration_ComesAfterTheOneBefore()
    {
        var first = Read(new OrchestratorStartedEvent(-1), new ExecutionStartedEvent(-1, "0") { Name = "o", OrchestrationInstance = Instance }, new ContinueAsNewEvent(-1, "1"));
        var next = HistoryReader.Read([new ExecutionStartedEvent(-1, "1") { Name = "o", OrchestrationInstance = Instance, Timestamp = Start.AddSeconds(1) }]);

        Assert.True(next[0].Sequence > first[^1].Sequence);
    }

    private static CoreEvent One(DurableEvent each) => Bare(Assert.Single(Read(each)));

    private static CoreEvent Bare(CoreEvent each) => each with { Sequence = 0, Timestamp = default };

    private static List<CoreEvent> Read(params DurableEvent[] events)
    {
        for (var i = 0; i < events.Length; i++)
        {
            events[i].Timestamp = Start.AddMilliseconds(i);
        }

        return HistoryReader.Read(events);
    }
}
