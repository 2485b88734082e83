using System.Collections.Concurrent;
using Polyphony.Core.Definitions;
using Polyphony.Engine.Runtime;

namespace Polyphony.Engine.Stores;

/// <summary>Workflow definitions in the data file, and in memory once read.</summary>
internal sealed class EmbeddedDefinitionStore(Kernel kernel) : IDefinitionStore
{
    private readonly ConcurrentDictionary<string, string> _known = new(StringComparer.Ordinal);

    public async Task SaveAsync(string hash, string json, CancellationToken cancellationToken = default)
    {
        // Every start begins here, before it keeps its input.
        kernel.CheckRoom();
        if (_known.ContainsKey(hash))
        {
            return;
        }

        await StoreRecord<bool>.RunAsync(kernel, writer =>
        {
            writer.Statement("INSERT OR IGNORE INTO definitions(hash, json) VALUES(?1, ?2)").Bind(1, hash).Bind(2, json).Step();
            return true;
        }, cancellationToken);
        _known.TryAdd(hash, json);
    }

    public string? Find(string hash)
    {
        if (_known.TryGetValue(hash, out var known))
        {
            return known;
        }

        var read = kernel.Store.Read(reader =>
        {
            using var query = reader.Database.Prepare("SELECT json FROM definitions WHERE hash = ?1");
            return query.Bind(1, hash).Step() ? query.Text(0) : null;
        });
        if (read is not null)
        {
            _known.TryAdd(hash, read);
        }

        return read;
    }
}
