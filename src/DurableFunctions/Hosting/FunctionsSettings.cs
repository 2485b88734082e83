using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;
using Polyphony.Core.Durable;

namespace Polyphony.DurableFunctions.Hosting;

/// <summary>What the options, the app settings and host.json come to.</summary>
internal sealed partial record FunctionsSettings
{
    /// <summary>Gets the folder of the workflows that can be started by name.</summary>
    public required string WorkflowsFolder { get; init; }

    /// <summary>Gets the folder that file tools may read.</summary>
    public required string FilesFolder { get; init; }

    /// <summary>Gets the file of the models and prices, if there is one.</summary>
    public string? SettingsFile { get; init; }

    /// <summary>Gets the name of the blob container for what instances keep outside of their histories.</summary>
    public required string Container { get; init; }

    /// <summary>Gets the name of the table for the ledger.</summary>
    public required string Table { get; init; }

    /// <summary>Gets how long one tool call may take.</summary>
    public required TimeSpan ToolTimeout { get; init; }

    /// <summary>Gets the limits on unfinished instances.</summary>
    public required AdmissionLimits Admission { get; init; }

    /// <summary>Gets what starts workflows beside the API.</summary>
    public required StartSettings Starts { get; init; }

    /// <summary>Gets where the routes of the API lie.</summary>
    public required ApiRoutes Routes { get; init; }

    /// <summary>Puts the app settings into the options.</summary>
    /// <param name="options">The options.</param>
    /// <param name="configuration">The app settings and environment variables.</param>
    public static void Configure(PolyphonyOptions options, IConfiguration configuration)
    {
        options.WorkflowsFolder = Text(configuration, "POLYPHONY_WORKFLOWS") ?? options.WorkflowsFolder;
        options.FilesFolder = Text(configuration, "POLYPHONY_FILES") ?? options.FilesFolder;
        options.SettingsFile = Text(configuration, "POLYPHONY_SETTINGS") ?? options.SettingsFile;
        options.Container = Text(configuration, "POLYPHONY_CONTAINER") ?? options.Container;
        options.Table = Text(configuration, "POLYPHONY_TABLE") ?? options.Table;
    }

    /// <summary>Resolves the settings.</summary>
    /// <param name="options">The options.</param>
    /// <param name="configuration">The app settings and environment variables.</param>
    /// <param name="host">The app's host.json.</param>
    /// <param name="problems">Takes everything that is wrong.</param>
    /// <returns>The settings; not to be used if there are problems.</returns>
    public static FunctionsSettings Resolve(PolyphonyOptions options, IConfiguration configuration, HostJson host, ICollection<string> problems)
    {
        var hub = options is { Container: not null, Table: not null } ? null : FindHub(configuration, host, problems);
        var usual = Path.Combine(AppContext.BaseDirectory, "settings.json");
        var container = options.Container ?? $"{hub?.ToLowerInvariant()}-polyphony";
        if (options.Container is not null && !StartSettings.IsName(container))
        {
            problems.Add($"POLYPHONY_CONTAINER (Container) names no container: expected 3 to 63 lower-case letters, digits and single hyphens between them; found \"{container}\".");
        }

        if (options.ToolTimeout <= TimeSpan.Zero)
        {
            problems.Add($"ToolTimeout must be above zero, and is {options.ToolTimeout}.");
        }
        else if (host.FunctionTimeout <= options.ToolTimeout)
        {
            problems.Add(
                $"ToolTimeout is {options.ToolTimeout}, and functionTimeout in \"{host.Path}\" {host.FunctionTimeout}: the host would end the app in the middle of a tool call. Set functionTimeout to \"-1\" or to more than the longest call may take.");
        }

        return new FunctionsSettings
        {
            WorkflowsFolder = Folder(options.WorkflowsFolder),
            FilesFolder = Folder(options.FilesFolder),
            SettingsFile = options.SettingsFile is { } named ? Folder(named) : File.Exists(usual) ? usual : null,
            Container = container,
            Table = FindTable(options.Table, hub, problems),
            ToolTimeout = options.ToolTimeout,
            Admission = ReadAdmission(options, configuration, problems),
            Starts = StartSettings.Read(configuration, container, problems),
            Routes = ApiRoutes.Of(host.RoutePrefix),
        };
    }

    /// <summary>Makes an absolute path of one that may begin in the app's folder.</summary>
    /// <param name="path">The path.</param>
    /// <returns>The absolute path.</returns>
    public static string Folder(string path) => Path.GetFullPath(path, AppContext.BaseDirectory);

    // Two apps on one storage account must not share a container, so there is no default for all.
    private static string? FindHub(IConfiguration configuration, HostJson host, ICollection<string> problems)
    {
        if (host.HubName is not { Length: > 0 } written)
        {
            problems.Add(
                $"\"{host.Path}\" names no task hub, and the app's container and table are named after it. Set extensions.durableTask.hubName, such as to \"%TASKHUB_NAME%\" with an app setting of that name; or set POLYPHONY_CONTAINER and POLYPHONY_TABLE.");
            return null;
        }

        var missing = Setting().Matches(written).Select(match => match.Groups["name"].Value).FirstOrDefault(name => Text(configuration, name) is null);
        if (missing is not null)
        {
            problems.Add($"extensions.durableTask.hubName in \"{host.Path}\" is \"{written}\", and there is no app setting {missing}. Set it to the name of the task hub: 3 to 45 letters and digits, a letter first.");
            return null;
        }

        return Setting().Replace(written, match => Text(configuration, match.Groups["name"].Value)!);
    }

    private static string FindTable(string? setting, string? hub, ICollection<string> problems)
    {
        if (setting is null && hub is null)
        {
            return "";
        }

        var name = setting ?? DefaultTable(hub!);
        if (!TableName().IsMatch(name))
        {
            problems.Add(setting is null
                ? $"The ledger's table can't be named after the task hub: \"{name}\" is not 3 to 63 letters and digits, a letter first. Name the table in POLYPHONY_TABLE."
                : $"POLYPHONY_TABLE (Table) names no table: expected 3 to 63 letters and digits, a letter first; found \"{name}\".");
        }

        return name;
    }

    // Code counts before app settings, as for the other options; of workflows, each by itself.
    private static AdmissionLimits ReadAdmission(PolyphonyOptions options, IConfiguration configuration, ICollection<string> problems)
    {
        var written = AdmissionText.Read(Text(configuration, AdmissionText.AllVariable), Text(configuration, AdmissionText.WorkflowsVariable), problems);
        var limits = new AdmissionLimits
        {
            MaxUnfinished = options.MaxUnfinishedInstances ?? written.MaxUnfinished,
            PerWorkflow = written.PerWorkflow.Where(pair => !options.MaxUnfinishedPerWorkflow.ContainsKey(pair.Key)).Concat(options.MaxUnfinishedPerWorkflow).ToDictionary(StringComparer.Ordinal),
        };
        AdmissionText.Check(limits, problems);
        return limits;
    }

    private static string? Text(IConfiguration configuration, string name) => configuration[name] is { Length: > 0 } value ? value : null;

    private static string DefaultTable(string hub)
    {
        var kept = string.Concat(hub.Where(char.IsAsciiLetterOrDigit));
        return kept.Length == hub.Length ? $"{hub}Ledger" : $"{kept}{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(hub)).AsSpan(0, 4))}Ledger";
    }

    [GeneratedRegex(@"\A[A-Za-z][A-Za-z0-9]{2,62}\z", RegexOptions.None, 1000)]
    private static partial Regex TableName();

    [GeneratedRegex("%(?<name>[^%]+)%", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Setting();
}
