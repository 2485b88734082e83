using Azure;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;

namespace Polyphony.DurableFunctions.Storage;

/// <summary>The container that holds what instances keep outside of their histories. Made when it is first written to. Thread-safe.</summary>
/// <param name="container">The container.</param>
internal sealed class BlobStorage(BlobContainerClient container)
{
    /// <summary>The maximum number of concurrent requests of one operation.</summary>
    internal const int Parallel = 16;

    internal BlobClient Blob(string name) => container.GetBlobClient(name);

    /// <summary>Writes a blob if there is none of that name.</summary>
    /// <returns>Its ETag, or <see langword="null"/> if there is one.</returns>
    internal async Task<ETag?> TryCreateAsync(string name, BinaryData content, IDictionary<string, string>? metadata, CancellationToken cancellationToken)
    {
        var options = new BlobUploadOptions { Conditions = new BlobRequestConditions { IfNoneMatch = ETag.All }, Metadata = metadata };
        return await UploadAsync(name, content, options, cancellationToken);
    }

    /// <summary>Writes a blob over the version of it that the caller knows.</summary>
    /// <returns>Its new ETag, or <see langword="null"/> if it was changed or removed meanwhile.</returns>
    internal async Task<ETag?> TryReplaceAsync(string name, BinaryData content, IDictionary<string, string>? metadata, ETag known, CancellationToken cancellationToken)
    {
        var options = new BlobUploadOptions { Conditions = new BlobRequestConditions { IfMatch = known }, Metadata = metadata };
        return await UploadAsync(name, content, options, cancellationToken);
    }

    /// <summary>Reads a blob.</summary>
    /// <returns>The blob, or <see langword="null"/> if there is none.</returns>
    internal async Task<BlobDownloadResult?> TryReadAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            return (await Blob(name).DownloadContentAsync(cancellationToken)).Value;
        }
        catch (RequestFailedException e) when (e.Status == 404)
        {
            return null;
        }
    }

    /// <summary>Lists the blobs whose names begin with a prefix.</summary>
    internal async Task<List<BlobItem>> ListAsync(string prefix, BlobTraits traits, CancellationToken cancellationToken)
    {
        var found = new List<BlobItem>();
        try
        {
            await foreach (var blob in container.GetBlobsAsync(traits, BlobStates.None, prefix, cancellationToken))
            {
                found.Add(blob);
            }
        }
        catch (RequestFailedException e) when (e.ErrorCode == BlobErrorCode.ContainerNotFound)
        {
            // Nothing was ever written.
        }

        return found;
    }

    private async Task<ETag?> UploadAsync(string name, BinaryData content, BlobUploadOptions options, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return (await Blob(name).UploadAsync(content, options, cancellationToken)).Value.ETag;
            }
            catch (RequestFailedException e) when (e.ErrorCode == BlobErrorCode.ContainerNotFound && attempt == 1)
            {
                await container.CreateIfNotExistsAsync(cancellationToken: cancellationToken);
            }
            catch (RequestFailedException e) when (e.Status is 409 or 412 || (e.Status == 404 && options.Conditions.IfMatch is not null))
            {
                return null;
            }
        }
    }
}
