using System.Text.Json;
using Azure;
using Polyphony.DurableFunctions.Durable;

namespace Polyphony.DurableFunctions.Storage;

/// <summary>Keeps reserved ids in Blob Storage: <c>starts/INSTANCE</c> holds what the start asked for, as JSON. One request for an id that is free.</summary>
/// <param name="storage">The container.</param>
internal sealed class BlobStartReservations(BlobStorage storage) : IStartReservations
{
    /// <inheritdoc/>
    public async Task<StartReservation> ReserveAsync(string instanceId, StartRequest request, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            if (await storage.TryCreateAsync(Name(instanceId), Json(request), null, cancellationToken) is { } created)
            {
                return new StartReservation(request, created.ToString(), IsNew: true);
            }

            if (await storage.TryReadAsync(Name(instanceId), cancellationToken) is { } found)
            {
                var first = JsonSerializer.Deserialize(found.Content.ToMemory().Span, FunctionsJsonContext.Default.StartRequest)!;
                return new StartReservation(first, found.Details.ETag.ToString(), IsNew: false);
            }
        }
    }

    /// <inheritdoc/>
    public async Task<bool> TryTakeOverAsync(string instanceId, StartReservation known, CancellationToken cancellationToken = default) =>
        await storage.TryReplaceAsync(Name(instanceId), Json(known.Request), null, new ETag(known.Version), cancellationToken) is not null;

    /// <inheritdoc/>
    public Task RemoveAsync(string instanceId, CancellationToken cancellationToken = default) =>
        storage.Blob(Name(instanceId)).DeleteIfExistsAsync(cancellationToken: cancellationToken);

    private static string Name(string instanceId) => $"starts/{instanceId}";

    private static BinaryData Json(StartRequest request) => new(JsonSerializer.SerializeToUtf8Bytes(request, FunctionsJsonContext.Default.StartRequest));
}
