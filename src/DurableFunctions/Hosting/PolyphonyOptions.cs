using Polyphony.Activities;

namespace Polyphony.DurableFunctions;

/// <summary>
/// The settings of Polyphony in a Functions app: from app settings, then from the code that calls <see cref="FunctionsAppExtensions.AddPolyphony"/>. They are validated when the app starts. Relative paths start
/// in the app's folder.
/// </summary>
/// <remarks>The Functions host also reads what starts workflows by queue and blob, so those settings are app settings only: <c>POLYPHONY_QUEUE</c> and its neighbours.</remarks>
public sealed class PolyphonyOptions
{
    /// <summary>Gets or sets the folder of the workflow files that can be started by name. App setting <c>POLYPHONY_WORKFLOWS</c>; default <c>workflows</c>.</summary>
    public string WorkflowsFolder { get; set; } = "workflows";

    /// <summary>Gets or sets the folder that the tools <c>list_files</c> and <c>read_file</c> may read. App setting <c>POLYPHONY_FILES</c>; default <c>files</c>.</summary>
    public string FilesFolder { get; set; } = "files";

    /// <summary>Gets or sets the file of models, allowed endpoints and prices. App setting <c>POLYPHONY_SETTINGS</c>; default <c>settings.json</c> if it exists, otherwise none.</summary>
    public string? SettingsFile { get; set; }

    /// <summary>
    /// Gets or sets the name of the blob container for data outside the histories: 3 to 63 lower-case letters, digits and single hyphens between them. App setting <c>POLYPHONY_CONTAINER</c>;
    /// default the task hub's name in lower case and <c>-polyphony</c>.
    /// </summary>
    public string? Container { get; set; }

    /// <summary>
    /// Gets or sets the name of the table for the ledger: 3 to 63 letters and digits, a letter first. App setting <c>POLYPHONY_TABLE</c>; default the task hub's name and <c>Ledger</c>. Characters of the hub's
    /// name that tables don't take are left out, and digits of its hash tell it from one that has none.
    /// </summary>
    public string? Table { get; set; }

    /// <summary>Gets or sets the time limit of one tool call, above zero and less than host.json's <c>functionTimeout</c>. Default 30 seconds.</summary>
    public TimeSpan ToolTimeout { get; set; } = ActivitiesOptions.DefaultToolTimeout;

    /// <summary>
    /// Gets or sets the maximum number of unfinished instances beyond which callers' starts are answered 429 <c>queue_full</c>, from 1. Every host counts by itself: see docs/azure.md. App setting
    /// <c>POLYPHONY_MAX_UNFINISHED_INSTANCES</c>; default none, since counting takes requests to the storage account.
    /// </summary>
    public int? MaxUnfinishedInstances { get; set; }

    /// <summary>Gets the same for single workflows, by name, each from 1. App setting <c>POLYPHONY_MAX_UNFINISHED_PER_WORKFLOW</c>, such as <c>review=10,report=2</c>; default none.</summary>
    public IDictionary<string, int> MaxUnfinishedPerWorkflow { get; } = new Dictionary<string, int>(StringComparer.Ordinal);
}
