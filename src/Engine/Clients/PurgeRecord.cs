using Polyphony.Core.Durable;
using Polyphony.Engine.Runtime;
using Polyphony.Engine.Storage;
using Polyphony.Engine.Stores;

namespace Polyphony.Engine.Clients;

/// <summary>Removes a finished instance, its children, and everything that is kept for them.</summary>
internal sealed class PurgeRecord(Kernel kernel, string instanceId) : ClientRecord<int>
{
    private readonly List<string> _removed = [];

    internal override void Stage(StoreWriter writer)
    {
        if (writer.Reader.FindInstance(instanceId) is not { } root)
        {
            return;
        }

        var found = new List<InstanceRow> { root };
        for (var i = 0; i < found.Count; i++)
        {
            found.AddRange(writer.Reader.ReadChildren(found[i].Key));
        }

        if (found.Find(row => row.Completed is null && !kernel.Damaged.Contains(row.Id)) is { } unfinished)
        {
            var status = kernel.Instances.TryGetValue(unfinished.Id, out var instance) ? instance.Status : OrchestrationRuntimeStatus.Running;
            Refusal = new InvalidInstanceStatusException(
                unfinished.Id, status, "purge", unfinished == root ? "Wait for its end, or terminate it first." : $"It is a child of \"{instanceId}\"; wait for its end, or terminate it first.");
            return;
        }

        foreach (var row in found)
        {
            Remove(writer, row);
            _removed.Add(row.Id);
        }

        kernel.Journal.NoteKeys(writer);
        Result = found.Count;
    }

    internal override void Release()
    {
        _removed.ForEach(kernel.Damaged.Remove);
        base.Release();
    }

    /// <summary>Reads what is to be removed. A damaged page met in the transaction would fail all that is in it, so it is to be met before.</summary>
    /// <exception cref="DataFileException">A page is damaged.</exception>
    internal static void Probe(StoreReader reader, string instanceId)
    {
        var found = new List<InstanceRow>();
        if (reader.FindInstance(instanceId) is { } root)
        {
            found.Add(root);
        }

        using var previous = reader.Database.Prepare("SELECT prev FROM log WHERE seq = ?1");
        using var ledger = reader.Database.Prepare("SELECT begun FROM ledger WHERE instance = ?1");
        for (var i = 0; i < found.Count; i++)
        {
            found.AddRange(reader.ReadChildren(found[i].Key));
            for (var sequence = found[i].Head; sequence > 0;)
            {
                var next = previous.Bind(1, sequence).Step() ? previous.Int64(0) : 0;
                previous.Reset();
                sequence = next < sequence ? next : 0;
            }

            ledger.Bind(1, found[i].Id);
            while (ledger.Step())
            {
            }
        }
    }

    private static void Remove(StoreWriter writer, InstanceRow row)
    {
        var previous = writer.Statement("SELECT prev FROM log WHERE seq = ?1");
        var delete = writer.Statement("DELETE FROM log WHERE seq = ?1");
        for (var sequence = row.Head; sequence > 0;)
        {
            previous.Bind(1, sequence);
            var next = previous.Step() ? previous.Int64(0) : 0;
            previous.Reset();
            delete.Bind(1, sequence).Step();
            // A damaged chain may run in a circle.
            sequence = next < sequence ? next : 0;
        }

        writer.Statement("DELETE FROM instances WHERE key = ?1").Bind(1, row.Key).Step();
        EmbeddedLedger.Remove(writer, row.Id);
        EmbeddedPayloadStore.Release(writer, row.Id);
    }
}
