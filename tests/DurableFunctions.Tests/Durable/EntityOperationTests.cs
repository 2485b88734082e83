using Microsoft.DurableTask;
using Microsoft.DurableTask.Entities;
using Polyphony.Core.Durable;
using Polyphony.DurableFunctions.Durable;
using Polyphony.TestKit.Clocks;

namespace Polyphony.DurableFunctions.Tests.Durable;

/// <summary>Operations of entities, as Durable Task gives them to the adapter.</summary>
[Trait("Row", "S7")]
public sealed class EntityOperationTests
{
    private static readonly DateTimeOffset Now = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task State_ReadAndSet_KeepsItsBytes()
    {
        var operation = new Operation("add", "{\"n\":1.0}") { Stored = new RawJson("[1.10]") };

        var result = await RunAsync(operation, context =>
        {
            Assert.Equal((new EntityId("counter", "a"), "add", "{\"n\":1.0}", "[1.10]", Now), (context.Id, context.Operation, context.Input, context.State, context.CurrentUtcDateTime));
            context.State = "[1.20]";
            Assert.Equal("[1.20]", context.State);
            return "\"done\"";
        });

        Assert.Equal("\"done\"", result?.Text);
        Assert.Equal("[1.20]", Assert.IsType<RawJson>(operation.Stored).Text);
    }

    [Fact]
    public async Task State_NoneAndSetToNull_IsNone()
    {
        var operation = new Operation("delete", null) { Stored = new RawJson("1") };

        Assert.Null(await RunAsync(operation, context => context.State = null));
        Assert.Null(operation.Stored);
        await RunAsync(operation, context =>
        {
            Assert.Null(context.State);
            Assert.Null(context.Input);
            return null;
        });
    }

    [Fact]
    public async Task Operation_Throws_LeavesDurableTaskToTakeEverythingBack()
    {
        var error = await Assert.ThrowsAsync<CodedFailureException>(() => RunAsync(new Operation("fail", null), _ => throw new PolyphonyException("quota_used", "None left.")));
        Assert.Equal("[quota_used] None left.", error.Message);

        await Assert.ThrowsAsync<InvalidOperationException>(() => RunAsync(new Operation("fail", null), _ => throw new InvalidOperationException("no")));
    }

    [Fact]
    [Trait("Row", "S8")]
    public async Task Result_AboveTheLimit_IsRefused()
    {
        var error = await Assert.ThrowsAsync<CodedFailureException>(() => RunAsync(new Operation("get", null), _ => $"\"{new string('x', DurableLimits.MaxPayloadBytes)}\""));

        Assert.StartsWith("[payload_too_large] ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sends_SignalStartAndEvent_GoOutAsDurableTaskKnowsThem()
    {
        var operation = new Operation("forward", null);

        await RunAsync(operation, context =>
        {
            context.SignalEntity(new EntityId("counter", "b"), "add", "1");
            context.SignalEntity(new EntityId("counter", "c"), "add", null, Now.AddMinutes(1));
            context.StartOrchestration("o", "[2]", "named");
            context.SendEvent("listener", "news", "\"3\"");
            context.SendEvent("listener", "empty", null);
            return null;
        });

        Assert.Equal(
            [
                "signal @counter@b add 1 ",
                "signal @counter@c add  2030-01-01T00:01:00.0000000+00:00",
                "start polyphony-start-for-entity [\"o\",\"[2]\",\"named\"] ",
                "start polyphony-send-event [\"listener\",\"news\",\"\\u00223\\u0022\"] ",
                "start polyphony-send-event [\"listener\",\"empty\",null] ",
            ],
            operation.Sent);
    }

    [Theory]
    [InlineData("[\"3\"]")]
    [InlineData(null)]
    public async Task EventSender_Started_SendsTheEvent(string? payload)
    {
        var registry = new DurableRegistry()
            .AddOrchestration("polyphony-send-event", EventSender.RunAsync)
            .AddOrchestration("listener", async (context, _) => $"[{await context.WaitForExternalEventAsync("news") ?? "null"}]");
        await using var host = await InMemoryTaskHub.StartAsync(registry);
        var token = TestContext.Current.CancellationToken;
        var listener = await host.Client.StartAsync("listener", null, null, token);

        await host.Client.StartAsync("polyphony-send-event", EventSender.Input(listener, "news", payload).Text, null, token);

        Assert.Equal($"[{payload ?? "null"}]", (await host.Client.WaitForCompletionAsync(listener, token)).Output);
    }

    private static async Task<RawJson?> RunAsync(Operation operation, Func<EntityContext, string?> function) =>
        (RawJson?)await new EntityAdapter(context => Task.FromResult(function(context)), new FakeClock(Now)).RunAsync(operation);

    private sealed class Operation : TaskEntityOperation
    {
        private readonly string? _input;

        public Operation(string name, string? input)
        {
            Name = name;
            _input = input;
            Context = new Outbox(Sent);
            State = new Slot(this);
        }

        public List<string> Sent { get; } = [];

        public object? Stored { get; set; }

        public override string Name { get; }

        public override TaskEntityContext Context { get; }

        public override TaskEntityState State { get; }

        public override bool HasInput => _input is not null;

        public override object? GetInput(Type inputType) => new RawJsonConverter().Deserialize(_input, inputType);

        private sealed class Slot(Operation operation) : TaskEntityState
        {
            public override bool HasState => operation.Stored is not null;

            public override object? GetState(Type type) => operation.Stored;

            public override void SetState(object? state) => operation.Stored = state;
        }

        private sealed class Outbox(List<string> sent) : TaskEntityContext
        {
            public override EntityInstanceId Id => new("counter", "a");

            public override void SignalEntity(EntityInstanceId id, string operationName, object? input = null, SignalEntityOptions? options = null) =>
                sent.Add($"signal {id} {operationName} {input} {options?.SignalTime:O}");

            public override string ScheduleNewOrchestration(TaskName name, object? input = null, Microsoft.DurableTask.StartOrchestrationOptions? options = null)
            {
                sent.Add($"start {name} {input} {options?.InstanceId}");
                return "";
            }
        }
    }
}
