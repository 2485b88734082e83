using System.Text;
using Polyphony.Core.Durable;
using Polyphony.Core.Durable.History;
using Polyphony.Engine.Storage;

namespace Polyphony.Engine.Tests.Storage;

[Trait("Row", "H9")]
public sealed class RowCodecTests
{
    private static readonly DateTimeOffset Time = new(2026, 11, 22, 10, 30, 15, 123, TimeSpan.Zero);
    private static readonly FailureDetails Failure = new("some_code", "It failed: \"so\".");

    private static readonly HistoryEvent[] Events =
    [
        new OrchestratorStarted(),
        new ExecutionStarted("o", """{"a":"ä"}""", new ParentInstance("p", "parent-1"), 3, Time.AddDays(1), new Dictionary<string, string> { ["tag"] = "value" }),
        new ExecutionStarted("o", null),
        new ExecutionCompleted("1"),
        new ExecutionFailed(Failure),
        new ExecutionTerminated(null),
        new ExecutionSuspended("why", Failure),
        new ExecutionResumed(null),
        new ExecutionRewound("again", [1, 200]),
        new ContinuedAsNew("{}"),
        new TaskScheduled(0, "agent", """{"text":"\"quoted\" and 日本 and 🎼","line":"a\nb"}"""),
        new TaskScheduled(300, "ü", null),
        new TaskScheduled(1, "", ""),
        new TaskCompleted(0, "\"answer\""),
        new TaskCompleted(129, null),
        new TaskCompleted(2, ""),
        new TaskCompleted(3, $"\"{new string('x', 40_000)}\""),
        new TaskFailed(4, Failure),
        new TaskCancelled(4),
        new SubOrchestrationCreated(5, "child", "id:1", "{}"),
        new SubOrchestrationCompleted(5, null),
        new SubOrchestrationFailed(5, Failure),
        new TimerCreated(6, Time.AddHours(1)),
        new TimerFired(6),
        new EventRaised("go", "true"),
        new EventSent(7, "id", "go", null),
        new EntityCalled(8, "@e@k", "op", "1"),
        new EntitySignaled(9, "@e@k", "op", null),
        new EntityOperationCompleted(8, "2"),
        new EntityOperationFailed(8, Failure),
    ];

    [Fact]
    public void Events_OfEveryType_AreAmongThese() => Assert.Equal(
        typeof(HistoryEvent).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(HistoryEvent))).Select(type => type.Name).Order(),
        Events.Select(each => each.GetType().Name).Distinct().Order());

    [Fact]
    public void Step_EveryEvent_ReadsBackAsWritten()
    {
        var row = new StepRow
        {
            Time = Time,
            FirstSequence = 1_000_000,
            Generation = 2,
            SetsCustomStatus = true,
            CustomStatus = """{"status":"läuft"}""",
            Items = [.. Events.Select(each => new StepItem(each, 0)), new StepItem(null, 77)],
        };

        var (step, message) = RowCodec.Decode(RowCodec.WithCarriedRows(RowCodec.EncodeStep(row), [5, 500]));

        Assert.Null(message);
        Assert.NotNull(step);
        Assert.Equal((Time, 1_000_000L, 2, true, row.CustomStatus), (step.Time, step.FirstSequence, step.Generation, step.SetsCustomStatus, step.CustomStatus));
        Assert.Equal([5, 500], step.CarriedRows);
        Assert.Equal(new StepItem(null, 77), step.Items[^1]);
        Assert.Equal(Events.Length + 1, step.Items.Count);
        foreach (var (written, read) in Events.Zip(step.Items))
        {
            Assert.Equivalent(written with { Timestamp = Time }, read.Event, strict: true);
        }
    }

    [Fact]
    public void Message_EveryEvent_ReadsBackAsWritten() => Assert.All(Events, each =>
    {
        var (step, message) = RowCodec.Decode(RowCodec.EncodeMessage(Time, 3, each));
        Assert.Null(step);
        Assert.Equal((Time, 3), (message!.Time, message.Generation));
        Assert.Equivalent(each with { Timestamp = Time }, message.Event, strict: true);
    });

    [Fact]
    public void Step_JsonInAnEventOfEveryStep_IsCopiedAsItIs()
    {
        const string Input = """{"text":"\"quoted\" and 日本"}""";

        var row = RowCodec.EncodeStep(new StepRow { Time = Time, FirstSequence = 1, Items = [new StepItem(new TaskScheduled(1, "agent", Input), 0)] });

        Assert.True(row.AsSpan().IndexOf(Encoding.UTF8.GetBytes(Input)) > 0);
        Assert.InRange(row.Length, Encoding.UTF8.GetByteCount(Input), Encoding.UTF8.GetByteCount(Input) + 40);
    }

    [Fact]
    public void Decode_CutAnywhere_SaysThatItIsNoRow()
    {
        var whole = RowCodec.EncodeStep(new StepRow
        {
            Time = Time,
            FirstSequence = 1,
            Items = [new StepItem(new OrchestratorStarted(), 0), new StepItem(new TaskScheduled(1, "agent", "{}"), 0), new StepItem(new TaskCompleted(1, "2"), 0), new StepItem(new TimerFired(2), 0)],
        });
        Assert.NotNull(RowCodec.Decode(whole).Step);
        for (var length = 0; length < whole.Length; length++)
        {
            Assert.Throws<InvalidDataException>(() => RowCodec.Decode(whole.AsSpan(0, length)));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public void Decode_OtherVersion_SaysWhichWasFound(byte version)
    {
        var row = RowCodec.EncodeMessage(Time, 1, new OrchestratorStarted());
        row[0] = version;

        Assert.Contains($"version {version} ", Assert.Throws<InvalidDataException>(() => RowCodec.Decode(row)).Message);
    }

    [Fact]
    public void Decode_ShortFormNobodyKnows_SaysSo()
    {
        var row = RowCodec.EncodeMessage(Time, 1, new OrchestratorStarted());
        row[^1] = 99;

        Assert.Contains("99", Assert.Throws<InvalidDataException>(() => RowCodec.Decode(row)).Message);
    }
}
