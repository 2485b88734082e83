using System.Security.Cryptography;
using Azure;
using Azure.Storage.Blobs.Models;
using Polyphony.Core.Payloads;

namespace Polyphony.DurableFunctions.Storage;

/// <summary>Keeps payloads in Blob Storage, by content.</summary>
/// <remarks>
/// <para><c>payloads/HASH</c> is the value; <c>owners/INSTANCE/HASH</c> and <c>shares/HASH/INSTANCE</c> are empty and say who keeps it, for
/// either question. An owner is noted before the value is written, and taken out before it is looked at whether anybody else keeps the value.</para>
/// <para>A value is removed only in the version that was there before its owners were counted, and whoever finds it there touches it after
/// noting himself: so of a removal and a write at the same time, one gives way. A write costs three requests, and one more if the value is there.</para>
/// </remarks>
/// <param name="storage">The container.</param>
internal sealed class BlobPayloadStore(BlobStorage storage) : IPayloadStore
{
    private static readonly BinaryData Nothing = new(Array.Empty<byte>());

    /// <inheritdoc/>
    public async Task<string> PutAsync(string instanceId, ReadOnlyMemory<byte> json, CancellationToken cancellationToken = default)
    {
        var hash = Convert.ToHexStringLower(SHA256.HashData(json.Span));
        await OwnAsync(instanceId, hash, cancellationToken);
        while (await storage.TryCreateAsync(Value(hash), new BinaryData(json), null, cancellationToken) is null && !await TouchAsync(hash, cancellationToken))
        {
            // It was removed between the two.
        }

        return hash;
    }

    /// <inheritdoc/>
    public async Task<ReadOnlyMemory<byte>> GetAsync(string hash, CancellationToken cancellationToken = default) =>
        (await storage.TryReadAsync(Value(hash), cancellationToken) ?? throw new PayloadNotFoundException(hash)).Content.ToMemory();

    /// <inheritdoc/>
    public async Task RetainAsync(string instanceId, IReadOnlyCollection<string> hashes, CancellationToken cancellationToken = default)
    {
        foreach (var hash in hashes)
        {
            await OwnAsync(instanceId, hash, cancellationToken);
            if (!await TouchAsync(hash, cancellationToken))
            {
                await DisownAsync(instanceId, hash, cancellationToken);
            }
        }
    }

    /// <inheritdoc/>
    public async Task<int> ReleaseAsync(string instanceId, CancellationToken cancellationToken = default)
    {
        var removed = 0;
        var prefix = $"owners/{instanceId}/";
        var options = new ParallelOptions { MaxDegreeOfParallelism = BlobStorage.Parallel, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(await storage.ListAsync(prefix, BlobTraits.None, cancellationToken), options, async (owned, token) =>
        {
            var hash = owned.Name[prefix.Length..];
            await storage.Blob(Share(hash, instanceId)).DeleteIfExistsAsync(cancellationToken: token);
            if (await RemoveUnusedAsync(hash, token))
            {
                Interlocked.Increment(ref removed);
            }

            // Last, so that a release that is cut off finds it again.
            await storage.Blob(owned.Name).DeleteIfExistsAsync(cancellationToken: token);
        });
        return removed;
    }

    private static string Value(string hash) => $"payloads/{hash}";

    private static string Share(string hash, string instanceId) => $"shares/{hash}/{instanceId}";

    private async Task OwnAsync(string instanceId, string hash, CancellationToken cancellationToken) => await Task.WhenAll(
        storage.TryCreateAsync($"owners/{instanceId}/{hash}", Nothing, null, cancellationToken),
        storage.TryCreateAsync(Share(hash, instanceId), Nothing, null, cancellationToken));

    private async Task DisownAsync(string instanceId, string hash, CancellationToken cancellationToken)
    {
        await storage.Blob(Share(hash, instanceId)).DeleteIfExistsAsync(cancellationToken: cancellationToken);
        await storage.Blob($"owners/{instanceId}/{hash}").DeleteIfExistsAsync(cancellationToken: cancellationToken);
    }

    /// <summary>Gives a value a new version, so that a removal under way does not find the one that it knows.</summary>
    /// <returns>Whether the value is there.</returns>
    private async Task<bool> TouchAsync(string hash, CancellationToken cancellationToken)
    {
        try
        {
            await storage.Blob(Value(hash)).SetMetadataAsync(new Dictionary<string, string>(), cancellationToken: cancellationToken);
            return true;
        }
        catch (RequestFailedException e) when (e.Status == 404)
        {
            return false;
        }
    }

    private async Task<bool> RemoveUnusedAsync(string hash, CancellationToken cancellationToken)
    {
        try
        {
            var known = (await storage.Blob(Value(hash)).GetPropertiesAsync(cancellationToken: cancellationToken)).Value.ETag;
            if ((await storage.ListAsync($"shares/{hash}/", BlobTraits.None, cancellationToken)).Count > 0)
            {
                return false;
            }

            await storage.Blob(Value(hash)).DeleteAsync(conditions: new BlobRequestConditions { IfMatch = known }, cancellationToken: cancellationToken);
            return true;
        }
        catch (RequestFailedException e) when (e.Status is 404 or 412)
        {
            return false;
        }
    }
}
