using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;

namespace Polyphony.DurableFunctions.Hosting;

/// <summary>Where the app finds its workflows, files, models and storage. From app settings.</summary>
public sealed partial record FunctionsSettings
{
    /// <summary>Gets the folder of the workflows that can be started by name. <c>POLYPHONY_WORKFLOWS</c>; default <c>workflows</c> in the app's folder.</summary>
    public required string WorkflowsFolder { get; init; }

    /// <summary>Gets the folder that file tools may read. <c>POLYPHONY_FILES</c>; default <c>files</c> in the app's folder.</summary>
    public required string FilesFolder { get; init; }

    /// <summary>Gets the file of the models and prices, if there is one. <c>POLYPHONY_SETTINGS</c>; default <c>settings.json</c> in the app's folder, if it is there.</summary>
    public string? SettingsFile { get; init; }

    /// <summary>Gets the name of the blob container for what instances keep outside of their histories. <c>POLYPHONY_CONTAINER</c>; default the task hub's name in lower case and <c>-polyphony</c>.</summary>
    public required string Container { get; init; }

    /// <summary>
    /// Gets the name of the table for the ledger. <c>POLYPHONY_TABLE</c>; default the task hub's name and <c>Ledger</c>. Tables take no characters but letters and digits: others of the
    /// hub's name are left out, and digits of its hash tell it from one that has none.
    /// </summary>
    public required string Table { get; init; }

    /// <summary>Gets what starts workflows beside the API.</summary>
    public required StartSettings Starts { get; init; }

    /// <summary>Reads the app settings.</summary>
    /// <param name="configuration">The app settings and environment variables.</param>
    /// <returns>The settings.</returns>
    /// <exception cref="PolyphonyException">Something is wrong with the settings (<c>settings_invalid</c>); everything about <see cref="Starts"/> is listed.</exception>
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
            Table = Table(),
            Starts = StartSettings.Read(configuration, container),
        };

        string Table()
        {
            var setting = Text("POLYPHONY_TABLE");
            var name = setting ?? DefaultTable(Text("TASKHUB_NAME") ?? "default");
            return TableName().IsMatch(name) ? name : throw new PolyphonyException(
                "settings_invalid",
                setting is null
                    ? $"No name for the ledger's table can be made of TASKHUB_NAME: \"{name}\" is not 3 to 63 letters and digits, a letter first. Name the table in POLYPHONY_TABLE."
                    : $"POLYPHONY_TABLE names no table: expected 3 to 63 letters and digits, a letter first; found \"{name}\".");
        }

        string Folder(string name, string otherwise) => Path.GetFullPath(Text(name) ?? otherwise, AppContext.BaseDirectory);

        string? Text(string name) => configuration[name] is { Length: > 0 } value ? value : null;
    }

    private static string DefaultTable(string hub)
    {
        var kept = string.Concat(hub.Where(char.IsAsciiLetterOrDigit));
        return kept.Length == hub.Length ? $"{hub}Ledger" : $"{kept}{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(hub)).AsSpan(0, 4))}Ledger";
    }

    [GeneratedRegex(@"\A[A-Za-z][A-Za-z0-9]{2,62}\z", RegexOptions.None, 1000)]
    private static partial Regex TableName();
}
