using Polyphony.Engine.Clients;
using Polyphony.Engine.Runtime;
using Polyphony.Engine.Storage;

namespace Polyphony.Engine.Stores;

/// <summary>A write of one of the stores, sharing commits with the steps.</summary>
internal sealed class StoreRecord<T>(Func<StoreWriter, T> write) : ClientRecord<T>
{
    internal override void Stage(StoreWriter writer) => Result = write(writer);

    /// <summary>Commits a write and returns its result.</summary>
    internal static Task<T> RunAsync(Kernel kernel, Func<StoreWriter, T> write, CancellationToken cancellationToken)
    {
        if (kernel.Stop.IsStopped)
        {
            throw kernel.Stop.MakeError();
        }

        var record = new StoreRecord<T>(write);
        kernel.Enqueue(record);
        return record.WaitAsync(cancellationToken);
    }
}
