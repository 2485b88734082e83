using Polyphony.Core.Durable;

namespace Polyphony.Cli;

/// <summary>Where things lie: an option of the command line counts before the environment, and that before the default.</summary>
internal sealed record CliSettings
{
    private const string SampleFile = "review-documents.yaml";

    /// <summary>Gets the folder of the data file and the log. <c>--data</c>, <c>POLYPHONY_DATA</c>; default <c>.polyphony</c> in the current folder.</summary>
    public required string DataFolder { get; init; }

    /// <summary>Gets the folder that file tools may read. <c>--files</c>, <c>POLYPHONY_FILES</c>; <see langword="null"/>, the default: they read nothing.</summary>
    public string? FilesFolder { get; init; }

    /// <summary>Gets the folder of the workflows that can be started by name. <c>--workflows</c>, <c>POLYPHONY_WORKFLOWS</c>; default <c>workflows</c>, or the samples.</summary>
    public required string WorkflowsFolder { get; init; }

    /// <summary>Gets the file of the host's models and prices, if one is named. <c>POLYPHONY_SETTINGS</c>; default <c>settings.json</c> in the data folder, if it is there.</summary>
    public string? SettingsFile { get; init; }

    /// <summary>Gets the folder of the product's own repository, if it runs from one: what the sample that needs no arguments may read. <c>POLYPHONY_ROOT</c>.</summary>
    public string? Repository { get; init; }

    /// <summary>Gets the workflow that runs when none is named.</summary>
    public required string Sample { get; init; }

    /// <summary>Gets the key that requests to a host carry, and that a host asks for. <c>POLYPHONY_API_KEY</c>.</summary>
    public string? ApiKey { get; init; }

    /// <summary>Gets the maximum number of unfinished instances of a host, as it is written. <c>POLYPHONY_MAX_UNFINISHED_INSTANCES</c>.</summary>
    public string? MaxUnfinishedInstances { get; init; }

    /// <summary>Gets the same of single workflows. <c>POLYPHONY_MAX_UNFINISHED_PER_WORKFLOW</c>.</summary>
    public string? MaxUnfinishedPerWorkflow { get; init; }

    /// <summary>Gets how users call this tool, for hints.</summary>
    public required string Command { get; init; }

    /// <summary>Gets a value indicating whether the cause of an error is shown.</summary>
    public bool Verbose { get; init; }

    /// <summary>Gets the data file.</summary>
    public string DataFile => Path.Combine(DataFolder, "polyphony.db");

    /// <summary>Gets the log of hosts on this data folder.</summary>
    public string LogFile => Path.Combine(DataFolder, "polyphony.log");

    /// <summary>Gets the file of the secret by which a command shows the host that it is its owner's.</summary>
    public string TokenFile => Path.Combine(DataFolder, "polyphony.token");

    public static CliSettings Read(string? data, string? files, string? workflows, bool verbose)
    {
        // The `dev` script names the repository, so that its documents and samples are found from any folder.
        var root = Variable("POLYPHONY_ROOT") ?? FindRoot();
        var dataFolder = Path.GetFullPath(data ?? Variable("POLYPHONY_DATA") ?? ".polyphony");
        var usualSettings = Path.Combine(dataFolder, "settings.json");
        return new CliSettings
        {
            DataFolder = dataFolder,
            SettingsFile = Variable("POLYPHONY_SETTINGS") is { } named ? Path.GetFullPath(named) : File.Exists(usualSettings) ? usualSettings : null,
            FilesFolder = (files ?? Variable("POLYPHONY_FILES")) is { } folder ? Path.GetFullPath(folder) : null,
            Repository = root,
            WorkflowsFolder = Path.GetFullPath(workflows ?? Variable("POLYPHONY_WORKFLOWS") ?? (Directory.Exists("workflows") || root is null ? "workflows" : Path.Combine(root, "samples"))),
            Sample = Path.Combine(root ?? AppContext.BaseDirectory, "samples", SampleFile),
            ApiKey = Variable("POLYPHONY_API_KEY"),
            MaxUnfinishedInstances = Variable(AdmissionText.AllVariable),
            MaxUnfinishedPerWorkflow = Variable(AdmissionText.WorkflowsVariable),
            Command = Variable("POLYPHONY_COMMAND") ?? "polyphony",
            Verbose = verbose,
        };
    }

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;

    // `dotnet run --project src/Cli` has no script to tell where the repository is.
    private static string? FindRoot()
    {
        for (var folder = new DirectoryInfo(Environment.CurrentDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "samples", SampleFile)))
            {
                return folder.FullName;
            }
        }

        return null;
    }
}
