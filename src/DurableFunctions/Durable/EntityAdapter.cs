using Microsoft.DurableTask.Entities;
using Polyphony.Core.Durable;

namespace Polyphony.DurableFunctions.Durable;

/// <summary>Runs the operations of an entity function of Core.</summary>
/// <param name="function">The function.</param>
/// <param name="timeProvider">The clock.</param>
internal sealed class EntityAdapter(EntityFunction function, TimeProvider timeProvider) : ITaskEntity
{
    /// <inheritdoc/>
    public async ValueTask<object?> RunAsync(TaskEntityOperation operation)
    {
        try
        {
            var result = await function(new Context(operation, timeProvider.GetUtcNow()));
            DurableLimits.CheckPayload(result, $"result of operation \"{operation.Name}\"");
            return RawJson.Of(result);
        }
        catch (PolyphonyException e)
        {
            throw CodedFailureException.Of(e);
        }
    }

    private sealed class Context(TaskEntityOperation operation, DateTimeOffset begun) : EntityContext
    {
        public override EntityId Id => new(operation.Context.Id.Name, operation.Context.Id.Key);

        public override string Operation => operation.Name;

        public override string? Input => operation.HasInput ? operation.GetInput<RawJson>()?.Text : null;

        // Durable Task takes the state back itself when the operation throws.
        public override string? State
        {
            get => operation.State.HasState ? ((RawJson?)operation.State.GetState(typeof(RawJson)))?.Text : null;
            set => operation.State.SetState(RawJson.Of(value));
        }

        public override DateTimeOffset CurrentUtcDateTime => begun;

        // The storage provider sends messages before it writes the state.
        public override bool CommitsAtOnce => false;

        public override void SignalEntity(EntityId entity, string name, string? input, DateTimeOffset? deliverAt = null) => operation.Context.SignalEntity(
            new EntityInstanceId(entity.Name, entity.Key), name, RawJson.Of(input), deliverAt is { } time ? new SignalEntityOptions { SignalTime = time } : null);

        // Durable Task would start an instance over that is there, and its state would be lost. So a small orchestration starts it as a client does, who is told.
        public override void StartOrchestration(string name, string? input, string instanceId) =>
            operation.Context.ScheduleNewOrchestration(InstanceStarts.Name, InstanceStarts.Input(name, input, instanceId));

        // An entity of Durable Task can start an orchestration but send it no event, so a small one sends it.
        public override void SendEvent(string instanceId, string eventName, string? payload) =>
            operation.Context.ScheduleNewOrchestration(EventSender.Name, EventSender.Input(instanceId, eventName, payload));
    }
}
