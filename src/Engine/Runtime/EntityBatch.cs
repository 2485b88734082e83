using Polyphony.Core.Durable;
using Polyphony.Core.Durable.History;
using Polyphony.Engine.Orchestrations;
using Polyphony.Engine.Storage;

namespace Polyphony.Engine.Runtime;

/// <summary>Operations of one entity, executed one after the other and committed as one: state, results and what they send.</summary>
internal sealed class EntityBatch(Kernel kernel, EntityActor actor, List<EntityMessage> messages) : CommitRecord
{
    private readonly List<Effect> _effects = [];
    private readonly Outbox _outbox = new(kernel);
    private string? _before;
    private string? _state;

    /// <summary>Executes the operations and brings the result to the committer.</summary>
    internal async Task<string?> RunAsync()
    {
        try
        {
            _before = _state = kernel.Store.Read(reader => reader.ReadEntity(actor.Id));
            var entity = EntityIds.Parse(actor.Id);
            foreach (var message in messages)
            {
                await RunAsync(entity, message);
            }
        }
        catch (DataFileException e) when (e.IsCorrupt)
        {
            // Its state cannot be read. It stays busy, so that nothing overwrites what may be brought back; what is sent to it is kept.
            kernel.Damaged.Add(actor.Id, e.Found);
            return null;
        }
        catch (Exception e)
        {
            // Operations fail by themselves; what gets here is the disk.
            kernel.Shutdown.Fatal(e);
            return null;
        }

        kernel.Enqueue(this);
        return null;
    }

    internal override void Stage(StoreWriter writer)
    {
        foreach (var message in messages)
        {
            writer.RemoveEntityMessage(message.Row);
        }

        if (_state != _before)
        {
            writer.SaveEntity(actor.Id, _state);
        }

        foreach (var effect in _effects)
        {
            effect.Stage(writer, _outbox);
        }
    }

    internal override void Release()
    {
        _outbox.Release();
        actor.EndBatch();
    }

    internal override void Fail(Exception cause)
    {
        // Nobody waits for it: the operations are in the file and are executed after the next start.
    }

    private async Task RunAsync(EntityId entity, EntityMessage message)
    {
        var now = kernel.Clock.GetUtcNow();
        if (!kernel.Registry.Entities.TryGetValue(entity.Name, out var function))
        {
            var unknown = new FailureDetails("unknown_entity", $"No entity \"{entity.Name}\" is registered on this host.");
            Log.OperationDropped(kernel.Logger, message.Operation, actor.Id, unknown.ErrorMessage);
            Reply(message, now, new EntityOperationFailed(message.CallerTask, unknown));
            return;
        }

        var context = new Context(kernel, entity, message, _state, now);
        try
        {
            var result = await function(context);
            DurableLimits.CheckPayload(result, $"result of operation \"{message.Operation}\" of entity \"{entity}\"");
            _state = context.State;
            _effects.AddRange(context.Effects);
            Reply(message, now, new EntityOperationCompleted(message.CallerTask, result));
        }
        catch (Exception e)
        {
            // An operation may throw anything; state and effects are then as before it.
            if (message.CallerId is null)
            {
                Log.OperationDropped(kernel.Logger, message.Operation, actor.Id, e.Message);
            }

            Reply(message, now, new EntityOperationFailed(message.CallerTask, FailureDetails.FromException(e)));
        }
    }

    private void Reply(EntityMessage message, DateTimeOffset now, HistoryEvent result)
    {
        if (message.CallerId is not null)
        {
            _effects.Add(new Effect((writer, outbox) =>
                outbox.StageMessage(writer, message.CallerId, result, message.CallerGeneration, now, message.CallerKey)));
        }
    }

    private sealed record Effect(Action<StoreWriter, Outbox> Stage);

    private sealed class Context(Kernel kernel, EntityId id, EntityMessage message, string? state, DateTimeOffset now) : EntityContext
    {
        internal List<Effect> Effects { get; } = [];

        public override EntityId Id => id;

        public override string Operation => message.Operation;

        public override string? Input => message.Input;

        public override string? State { get; set; } = state;

        public override DateTimeOffset CurrentUtcDateTime => now;

        public override void SignalEntity(EntityId entity, string operation, string? input, DateTimeOffset? deliverAt = null)
        {
            DurableLimits.CheckPayload(input, $"input of operation \"{operation}\" of entity \"{entity}\"");
            Effects.Add(new Effect((writer, outbox) => outbox.StageOperation(writer, entity.ToString(), new EntityMessage(operation, input) { DueAt = deliverAt })));
        }

        public override void StartOrchestration(string name, string? input, string instanceId)
        {
            InstanceIds.Check(instanceId);
            DurableLimits.CheckPayload(input, $"input of orchestration \"{name}\"");
            kernel.CheckRegistered(name);
            var created = new NewInstance(instanceId, new ExecutionStarted(name, input), now);
            Effects.Add(new Effect((writer, outbox) => outbox.StageCreate(writer, created)));
        }

        public override void SendEvent(string instanceId, string eventName, string? payload)
        {
            DurableLimits.CheckPayload(payload, $"payload of event \"{eventName}\"");
            Effects.Add(new Effect((writer, outbox) => outbox.StageMessage(writer, instanceId, new EventRaised(eventName, payload), 0, now)));
        }
    }
}
