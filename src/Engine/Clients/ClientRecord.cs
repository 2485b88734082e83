using Polyphony.Core.Client;
using Polyphony.Core.Durable;
using Polyphony.Engine.Runtime;
using Polyphony.Engine.Storage;

namespace Polyphony.Engine.Clients;

/// <summary>A write that a caller waits for.</summary>
internal abstract class ClientRecord<T> : CommitRecord
{
    private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Waits for the result, after the commit. A caller that gives up waits no longer; the record is committed all the same.</summary>
    /// <remarks>The wait itself is cancelled, and not a wait for it (<c>Task.WaitAsync</c>): that would continue on a thread of the pool, where a simulation draws no order.</remarks>
    internal async Task<T> WaitAsync(CancellationToken cancellationToken)
    {
        await using var giveUp = cancellationToken.UnsafeRegister(static (source, token) => ((TaskCompletionSource<T>)source!).TrySetCanceled(token), _done);
        return await _done.Task;
    }

    /// <summary>Gets or sets why nothing was written: the caller's error, which concerns nobody else in the batch.</summary>
    protected Exception? Refusal { get; set; }

    protected T? Result { get; set; }

    internal override void Release()
    {
        if (Refusal is not null)
        {
            _done.TrySetException(Refusal);
        }
        else
        {
            _done.TrySetResult(Result!);
        }
    }

    internal override void Fail(Exception cause) => _done.TrySetException(cause);
}

/// <summary>Starts an instance. Starts are staged one after another, so that no two of them take the last place that limits leave.</summary>
internal sealed class StartRecord(Kernel kernel, NewInstance created, AdmissionLimits? limits) : ClientRecord<bool>
{
    private Instance? _instance;

    internal override void Stage(StoreWriter writer)
    {
        var workflow = created.Start.Tags?.GetValueOrDefault(WorkflowClient.WorkflowTag) ?? "";
        if (limits is not null && kernel.Instances.FindExcess(limits, workflow) is { } excess && writer.Reader.FindInstance(created.Id) is null)
        {
            Refusal = excess;
            return;
        }

        _instance = kernel.Lifecycle.Create(writer, created);
        if (_instance is null)
        {
            Refusal = new InstanceExistsException(created.Id);
        }
    }

    internal override void Release()
    {
        if (_instance is not null)
        {
            kernel.Lifecycle.Admit(_instance);
        }

        base.Release();
    }
}

/// <summary>Sends an operation to an entity.</summary>
internal sealed class SignalRecord(Kernel kernel, string entity, EntityMessage message) : ClientRecord<bool>
{
    private readonly Outbox _outbox = new(kernel);

    internal override void Stage(StoreWriter writer) => _outbox.StageOperation(writer, entity, message);

    internal override void Release()
    {
        _outbox.Release();
        base.Release();
    }
}
