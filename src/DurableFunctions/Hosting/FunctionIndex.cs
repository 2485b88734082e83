using System.Text.Json.Nodes;
using Microsoft.Azure.Functions.Worker.Core.FunctionMetadata;
using Polyphony.Core.Definitions;
using Polyphony.Core.Json;
using Polyphony.DurableFunctions.Triggers;

namespace Polyphony.DurableFunctions.Hosting;

/// <summary>
/// Puts the functions of this library into the list that the app gives to the host, as the settings want them: only the starts that are turned on, as the host would report a trigger whose setting is missing
/// as broken at every start; and routes that fit host.json's prefix.
/// </summary>
/// <param name="settings">The settings.</param>
/// <param name="catalog">The workflows: without schedules there is no timer, which would wake the app for nothing.</param>
internal sealed class FunctionIndex(FunctionsSettings settings, IWorkflowCatalog catalog) : IFunctionMetadataTransformer
{
    /// <summary>Starts by messages of a queue.</summary>
    public const string Queue = "polyphony-start-from-queue";

    /// <summary>Starts by blobs that Event Grid tells of.</summary>
    public const string Blob = "polyphony-start-from-blob";

    /// <summary>Starts by blobs that the host finds.</summary>
    public const string BlobScan = "polyphony-start-from-blob-scan";

    /// <summary>Sees to it that schedules are kept.</summary>
    public const string Schedules = "polyphony-keep-schedules";

    private static readonly string Triggers = $"{typeof(OrchestrationTriggers).Namespace}.";

    /// <inheritdoc/>
    public string Name => "polyphony";

    /// <summary>Determines whether a function is one of this library.</summary>
    /// <param name="entryPoint">Its entry point: type and method.</param>
    /// <returns><see langword="true"/> if so; otherwise, <see langword="false"/>.</returns>
    public static bool IsOurs(string? entryPoint) => entryPoint?.StartsWith(Triggers, StringComparison.Ordinal) == true;

    /// <inheritdoc/>
    public void Transform(IList<IFunctionMetadata> original)
    {
        for (var index = original.Count - 1; index >= 0; index--)
        {
            if (!IsOn(original[index].Name))
            {
                original.RemoveAt(index);
            }
            else if (settings.Routes.IsApi && IsOurs(original[index].EntryPoint))
            {
                original[index] = Route(original[index]);
            }
        }
    }

    private static DefaultFunctionMetadata Copy(IFunctionMetadata function, string? name, IList<string>? bindings) => new()
    {
        Name = name,
        EntryPoint = function.EntryPoint,
        ScriptFile = function.ScriptFile,
        Language = function.Language,
        RawBindings = bindings,
        Retry = function.Retry,
    };

    private bool IsOn(string? function) => function switch
    {
        Queue => settings.Starts.Queue is not null,
        Blob => settings.Starts is { Blobs: not null, BlobsSource: BlobsSource.EventGrid },
        BlobScan => settings.Starts is { Blobs: not null, BlobsSource: BlobsSource.LogsAndContainerScan },
        Schedules => catalog.List().Any(workflow => workflow.Schedules.Count > 0),
        _ => true,
    };

    private DefaultFunctionMetadata Route(IFunctionMetadata function) => Copy(function, function.Name, [.. (function.RawBindings ?? []).Select(Route)]);

    private string Route(string binding)
    {
        var json = JsonNode.Parse(binding, documentOptions: JsonLimits.Document)!.AsObject();
        var key = json.FirstOrDefault(property => property.Key.Equals("route", StringComparison.OrdinalIgnoreCase)).Key;
        if (key is null)
        {
            return binding;
        }

        json[key] = settings.Routes.Below(json[key]!.GetValue<string>());
        return json.ToJsonString();
    }
}
