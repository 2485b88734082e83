using System.Security.Cryptography;
using Polyphony.Core.Payloads;
using Polyphony.Engine.Runtime;
using Polyphony.Engine.Storage;

namespace Polyphony.Engine.Stores;

/// <summary>Payloads in the data file: contents by hash, and who keeps which.</summary>
internal sealed class EmbeddedPayloadStore(Kernel kernel) : IPayloadStore
{
    public async Task<string> PutAsync(string instanceId, ReadOnlyMemory<byte> json, CancellationToken cancellationToken = default)
    {
        var hash = Convert.ToHexStringLower(SHA256.HashData(json.Span));
        return await StoreRecord<string>.RunAsync(kernel, writer =>
        {
            writer.Statement("INSERT OR IGNORE INTO payloads(hash, data) VALUES(?1, ?2)").Bind(1, hash).Bind(2, json.Span).Step();
            Own(writer, instanceId, hash);
            return hash;
        }, cancellationToken);
    }

    public Task<ReadOnlyMemory<byte>> GetAsync(string hash, CancellationToken cancellationToken = default)
    {
        if (kernel.Stop.IsStopped)
        {
            throw kernel.Stop.MakeError();
        }

        cancellationToken.ThrowIfCancellationRequested();
        var data = kernel.Store.Read(reader =>
        {
            using var query = reader.Database.Prepare("SELECT data FROM payloads WHERE hash = ?1");
            return query.Bind(1, hash).Step() ? query.Blob(0).ToArray() : null;
        });
        return Task.FromResult<ReadOnlyMemory<byte>>(data ?? throw new PayloadNotFoundException(hash));
    }

    public async Task RetainAsync(string instanceId, IReadOnlyCollection<string> hashes, CancellationToken cancellationToken = default) =>
        await StoreRecord<bool>.RunAsync(kernel, writer =>
        {
            foreach (var hash in hashes)
            {
                Own(writer, instanceId, hash);
            }

            return true;
        }, cancellationToken);

    public async Task<int> ReleaseAsync(string instanceId, CancellationToken cancellationToken = default) =>
        await StoreRecord<int>.RunAsync(kernel, writer => Release(writer, instanceId), cancellationToken);

    /// <summary>Gives up what an instance keeps, inside the open transaction.</summary>
    /// <returns>How many contents nobody keeps any more and were removed.</returns>
    internal static int Release(StoreWriter writer, string instanceId)
    {
        var hashes = new List<string>();
        var owned = writer.Statement("SELECT hash FROM payload_owners WHERE instance = ?1").Bind(1, instanceId);
        while (owned.Step())
        {
            hashes.Add(owned.Text(0)!);
        }

        if (hashes.Count == 0)
        {
            return 0;
        }

        writer.Statement("DELETE FROM payload_owners WHERE instance = ?1").Bind(1, instanceId).Step();
        var removed = 0;
        foreach (var hash in hashes)
        {
            writer.Statement("DELETE FROM payloads WHERE hash = ?1 AND NOT EXISTS (SELECT 1 FROM payload_owners WHERE hash = ?1)").Bind(1, hash).Step();
            removed += writer.Database.Changes;
        }

        return removed;
    }

    private static void Own(StoreWriter writer, string instanceId, string hash) =>
        writer.Statement("INSERT OR IGNORE INTO payload_owners(instance, hash) SELECT ?1, ?2 WHERE EXISTS (SELECT 1 FROM payloads WHERE hash = ?2)")
            .Bind(1, instanceId).Bind(2, hash).Step();
}
