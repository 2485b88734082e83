using Microsoft.Extensions.Configuration;

namespace Polyphony.Functions.Hosting;

/// <summary>Where the app finds its workflows, files, models and storage. From app settings.</summary>
public sealed record FunctionsSettings
{
    /// <summary>Gets the folder of the workflows that can be started by name. <c>POLYPHONY_WORKFLOWS</c>; default <c>workflows</c> in the app's folder.</summary>
    public required string WorkflowsFolder { get; init; }

    /// <summary>Gets the folder that file tools may read. <c>POLYPHONY_FILES</c>; default <c>files</c> in the app's folder.</summary>
    public required string FilesFolder { get; init; }

    /// <summary>Gets the file of the models and prices, if there is one. <c>POLYPHONY_SETTINGS</c>; default <c>settings.json</c> in the app's folder, if it is there.</summary>
    public string? SettingsFile { get; init; }

    /// <summary>Gets the name of the blob container for what instances keep outside of their histories. <c>POLYPHONY_CONTAINER</c>; default the task hub's name in lower case and <c>-polyphony</c>.</summary>
    public required string Container { get; init; }

    /// <summary>Gets what starts workflows beside the API.</summary>
    public required StartSettings Starts { get; init; }

    /// <summary>Reads the app settings.</summary>
    /// <param name="configuration">The app settings and environment variables.</param>
    /// <returns>The settings.</returns>
    /// <exception cref="Core.PolyphonyException">Something is wrong with those of <see cref="Starts"/>; everything is listed.</exception>
    public static FunctionsSettings Read(IConfiguration configuration)
    {
        var usual = Path.Combine(AppContext.BaseDirectory, "settings.json");
        var container = Text("POLYPHONY_CONTAINER") ?? $"{Text("TASKHUB_NAME")?.ToLowerInvariant() ?? "default"}-polyphony";
        return new FunctionsSettings
        {
            WorkflowsFolder = Folder("POLYPHONY_WORKFLOWS", "workflows"),
            FilesFolder = Folder("POLYPHONY_FILES", "files"),
            SettingsFile = Text("POLYPHONY_SETTINGS") is { } named ? Path.GetFullPath(named, AppContext.BaseDirectory) : File.Exists(usual) ? usual : null,
            Container = container,
            Starts = StartSettings.Read(configuration, container),
        };

        string Folder(string name, string otherwise) => Path.GetFullPath(Text(name) ?? otherwise, AppContext.BaseDirectory);

        string? Text(string name) => configuration[name] is { Length: > 0 } value ? value : null;
    }
}
