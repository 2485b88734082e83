using Polyphony.Core.Durable.History;
using Polyphony.Engine.Storage;

namespace Polyphony.Engine.Runtime;

/// <summary>What one record does to other instances and entities: written with it, let loose after the commit.</summary>
internal sealed class Outbox(Kernel kernel)
{
    private List<(Instance Receiver, Message Message)>? _messages;
    private List<Instance>? _created;
    private List<(EntityActor Receiver, EntityMessage Message)>? _operations;

    /// <summary>Leaves a message with an unfinished instance; others no longer take any.</summary>
    internal void StageMessage(StoreWriter writer, string? receiverId, HistoryEvent item, int generation, DateTimeOffset time, long receiverKey = 0)
    {
        if (receiverId is null ||
            !kernel.Instances.TryGetValue(receiverId, out var receiver) ||
            receiver.StagedClosed ||
            (receiverKey != 0 && receiver.Key != receiverKey))
        {
            return;
        }

        var message = new Message { Event = item, Generation = generation };
        kernel.Journal.AppendMessage(writer, receiver, message, RowCodec.EncodeMessage(time, generation, item));
        (_messages ??= []).Add((receiver, message));
    }

    /// <summary>Creates an instance.</summary>
    /// <returns>Whether its id was free.</returns>
    internal bool StageCreate(StoreWriter writer, NewInstance created)
    {
        if (kernel.Lifecycle.Create(writer, created) is not { } instance)
        {
            return false;
        }

        (_created ??= []).Add(instance);
        return true;
    }

    internal void StageOperation(StoreWriter writer, string entity, EntityMessage message)
    {
        (_operations ??= []).Add((kernel.Entities.Add(writer, entity, message), message));
    }

    internal void Release()
    {
        if (_created is not null)
        {
            foreach (var instance in _created)
            {
                kernel.Lifecycle.Admit(instance);
            }
        }

        if (_messages is not null)
        {
            foreach (var (receiver, message) in _messages)
            {
                receiver.Publish();
                receiver.Post(message);
            }
        }

        if (_operations is not null)
        {
            foreach (var (receiver, message) in _operations)
            {
                kernel.Entities.Deliver(receiver, message);
            }
        }
    }
}
