using System.Text;
using System.Text.Json;
using Azure;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Microsoft.Extensions.Logging;
using Polyphony.DurableFunctions.Durable;
using Polyphony.DurableFunctions.Hosting;
using Polyphony.Http;
using Polyphony.Http.Instances;

namespace Polyphony.DurableFunctions.Starts;

/// <summary>Starts a workflow once for each version of a blob, however often it is delivered. Thread-safe.</summary>
/// <param name="settings">Which workflow.</param>
/// <param name="starts">Starts.</param>
/// <param name="log">The log.</param>
public sealed partial class BlobStarts(StartSettings settings, MessageStarts starts, ILogger<BlobStarts> log)
{
    /// <summary>The largest blob whose text is part of the input, in bytes: as large as an input may be over HTTP.</summary>
    internal const int MaxTextBytes = PolyphonyHttpOptions.DefaultMaxBodyBytes;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Starts for a blob, as it is now.</summary>
    /// <param name="blob">The blob.</param>
    /// <param name="cancellationToken">Cancels the wait; the start may already have been committed.</param>
    /// <returns>A task that completes when the workflow is started, or the blob no longer exists.</returns>
    /// <exception cref="PolyphonyException">It can't be started.</exception>
    public async Task StartAsync(BlobClient blob, CancellationToken cancellationToken)
    {
        var source = $"blob/{blob.BlobContainerName}/{blob.Name}";
        BlobInput input;
        try
        {
            input = await ReadAsync(blob, cancellationToken);
        }
        catch (RequestFailedException e) when (e.Status == 404)
        {
            Gone(log, source);
            return;
        }

        // The tag changes with every write: a blob that is written while its first version starts has its own event.
        await StartReport.RunAsync(
            log,
            source,
            input.ETag,
            () => starts.StartAsync(
                settings.BlobsWorkflow!, JsonSerializer.SerializeToElement(input, FunctionsJsonContext.Default.BlobInput), source, input.ETag, cancellationToken));
    }

    private static async Task<BlobInput> ReadAsync(BlobClient blob, CancellationToken cancellationToken)
    {
        // One request gives content and tag, so that they belong together.
        using var found = (await blob.DownloadStreamingAsync(cancellationToken: cancellationToken)).Value;
        return new BlobInput(
            blob.BlobContainerName,
            blob.Name,
            new BlobUriBuilder(blob.Uri) { Query = "", Sas = null }.ToUri().AbsoluteUri,
            found.Details.ETag.ToString().Trim('"'),
            found.Details.ContentLength,
            found.Details.ContentType,
            found.Details.ContentLength <= MaxTextBytes ? await ReadTextAsync(found, cancellationToken) : null);
    }

    private static async Task<string?> ReadTextAsync(BlobDownloadStreamingResult found, CancellationToken cancellationToken)
    {
        var bytes = new byte[found.Details.ContentLength];
        await found.Content.ReadExactlyAsync(bytes, cancellationToken);
        var content = bytes.AsSpan();
        if (content.StartsWith(Encoding.UTF8.Preamble))
        {
            content = content[Encoding.UTF8.Preamble.Length..];
        }

        try
        {
            return content.Contains((byte)0) ? null : Utf8.GetString(content);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    [LoggerMessage(6010, LogLevel.Warning, "{Source} is gone, so it starts nothing")]
    private static partial void Gone(ILogger log, string source);
}

/// <summary>The input of a workflow that a blob starts.</summary>
/// <param name="Container">The container's name.</param>
/// <param name="Name">The blob's name, with its folders.</param>
/// <param name="Uri">The blob's address, without a signature.</param>
/// <param name="ETag">The version of the blob: another with every write.</param>
/// <param name="Size">Its size in bytes.</param>
/// <param name="ContentType">What whoever wrote it says it is.</param>
/// <param name="Text">The content, if it is text in UTF-8 and at most 1 MB; otherwise there is none.</param>
internal sealed record BlobInput(string Container, string Name, string Uri, [property: System.Text.Json.Serialization.JsonPropertyName("etag")] string ETag, long Size, string? ContentType, string? Text);
