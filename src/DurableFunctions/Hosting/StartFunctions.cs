using Microsoft.Azure.Functions.Worker.Core.FunctionMetadata;

namespace Polyphony.DurableFunctions.Hosting;

/// <summary>
/// Keeps the host from knowing the functions that the settings don't turn on: with a setting missing that a trigger names, the host would
/// report it as broken at every start.
/// </summary>
/// <param name="settings">The settings.</param>
internal sealed class StartFunctions(StartSettings settings) : IFunctionMetadataTransformer
{
    /// <summary>Starts by messages of a queue.</summary>
    public const string Queue = "startFromQueue";

    /// <summary>Starts by blobs that Event Grid tells of.</summary>
    public const string Blob = "startFromBlob";

    /// <summary>Starts by blobs that the host finds.</summary>
    public const string BlobScan = "startFromBlobScan";

    /// <inheritdoc/>
    public string Name => "polyphony-starts";

    /// <inheritdoc/>
    public void Transform(IList<IFunctionMetadata> original)
    {
        for (var index = original.Count - 1; index >= 0; index--)
        {
            if (!IsOn(original[index].Name))
            {
                original.RemoveAt(index);
            }
        }
    }

    private bool IsOn(string? function) => function switch
    {
        Queue => settings.Queue is not null,
        Blob => settings is { Blobs: not null, BlobsSource: BlobsSource.EventGrid },
        BlobScan => settings is { Blobs: not null, BlobsSource: BlobsSource.LogsAndContainerScan },
        _ => true,
    };
}
