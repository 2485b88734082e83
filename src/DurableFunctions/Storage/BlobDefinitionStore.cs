using System.Collections.Concurrent;
using System.Globalization;
using Azure;
using Polyphony.Core.Definitions;

namespace Polyphony.DurableFunctions.Storage;

/// <summary>Keeps pinned workflow definitions in Blob Storage, as <c>definitions/HASH</c>. Each is read and written once per process.</summary>
/// <param name="storage">The container.</param>
internal sealed class BlobDefinitionStore(BlobStorage storage) : IDefinitionStore
{
    private readonly ConcurrentDictionary<string, string> _known = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public async Task SaveAsync(string hash, string json, CancellationToken cancellationToken = default)
    {
        if (!_known.ContainsKey(hash))
        {
            // What already exists is the same, since its name is its content.
            await storage.TryCreateAsync(Name(hash), BinaryData.FromString(json), null, cancellationToken);
            _known[hash] = json;
        }
    }

    /// <inheritdoc/>
    public string? Find(string hash)
    {
        if (_known.TryGetValue(hash, out var json))
        {
            return json;
        }

        try
        {
            json = storage.Blob(Name(hash)).DownloadContent().Value.Content.ToString();
        }
        catch (RequestFailedException e) when (e.Status == 404)
        {
            return null;
        }

        return _known[hash] = json;
    }

    private static string Name(string hash) => string.Create(CultureInfo.InvariantCulture, $"definitions/{hash}");
}
