using Polyphony.Activities;
using Polyphony.Activities.Providers;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
using Polyphony.Engine;
using Polyphony.Hosting.DataFolders;
using Polyphony.Hosting.Settings;
using Polyphony.Http;

namespace Polyphony.Hosting;

/// <summary>
/// Settings of Polyphony in an app. They are read and validated once, when the app starts; all problems are reported together. Relative paths start at the app's content root.
/// </summary>
/// <remarks>
/// In the configuration they stand in the section <c>Polyphony</c> under the same names (case-insensitive), with durations as <c>30s</c> or <c>00:00:30</c>. Models,
/// allowed endpoints and prices have the form of the <c>settings.json</c> that the <c>polyphony</c> tool reads.
/// </remarks>
public sealed class PolyphonyOptions
{
    /// <summary>The configuration section: <c>Polyphony</c>.</summary>
    public const string SectionName = "Polyphony";

    /// <summary>The default of <see cref="DataFolder"/>.</summary>
    public const string DefaultDataFolder = ".polyphony";

    /// <summary>The default of <see cref="OpenApiPath"/>.</summary>
    public const string DefaultOpenApiPath = "/openapi/polyphony.json";

    /// <summary>The default of <see cref="MaxUploadBytes"/>: 128 MB.</summary>
    public const long DefaultMaxUploadBytes = 128L * 1024 * 1024;

    /// <summary>The default of <see cref="MaxUnfinishedInstances"/>: 100,000.</summary>
    public const int DefaultMaxUnfinishedInstances = 100_000;

    /// <summary>The shortest <see cref="Heartbeat"/>: 100 ms.</summary>
    public static readonly TimeSpan ShortestHeartbeat = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// Gets or sets the folder of the data file (<c>polyphony.db</c>). It is created if it does not exist, and only its owner may read it: it holds prompts and answers. Only one process can use a data folder at a time.
    /// Default: <c>.polyphony</c>.
    /// </summary>
    public string DataFolder { get; set; } = DefaultDataFolder;

    /// <summary>Gets or sets a value indicating whether everything is kept in memory and lost when the app ends, for tests. Default: everything is kept in <see cref="DataFolder"/>.</summary>
    public bool InMemory { get; set; }

    /// <summary>
    /// Gets the folders of the workflow files (<c>*.yaml</c>, <c>*.yml</c>, <c>*.json</c>) that can be started by name. If two workflows have the same name, that of the earlier folder is used. A folder
    /// that does not exist yet has no workflows. Default: none.
    /// </summary>
    public IList<string> WorkflowFolders { get; } = [];

    /// <summary>Gets or sets the folder that the tools <c>list_files</c> and <c>read_file</c> may read. <see langword="null"/>, the default: none, and both tools return an error.</summary>
    public string? FilesFolder { get; set; }

    /// <summary>Gets or sets the path of a JSON file with models, allowed endpoints and prices, in the format of the <c>polyphony</c> tool. Default: none.</summary>
    public string? SettingsFile { get; set; }

    /// <summary>Gets the models that workflows may name besides their own, by alias. Define each alias only once: here, in the configuration, or in <see cref="SettingsFile"/>. Default: none.</summary>
    public IList<ModelDefinition> Models { get; } = [];

    /// <summary>Gets the addresses that workflows may name, with the keys that are sent there. Those of the configuration and of <see cref="SettingsFile"/> are added. Default: none.</summary>
    public IList<AllowedEndpoint> AllowedEndpoints { get; } = [];

    /// <summary>
    /// Gets prices by the provider's name of the model. They take precedence over those of the configuration, then those of <see cref="SettingsFile"/>, then the list prices that
    /// come with Polyphony. Default: none.
    /// </summary>
    public IDictionary<string, ModelPrice> Prices { get; } = new Dictionary<string, ModelPrice>(StringComparer.Ordinal);

    /// <summary>
    /// Gets or sets the maximum number of concurrent activities, 1 or more; each may hold a connection to a model. Default: a quarter of the process's limit on open files, at most 1,000.
    /// </summary>
    public int MaxConcurrentActivities { get; set; } = Math.Clamp(OpenFiles.Limit / 4, 1, EngineOptions.DefaultMaxConcurrentActivities);

    /// <summary>Gets or sets the maximum number of waiting instances whose code stays in memory, 0 or more; others are replayed when something arrives for them. Default 20,000.</summary>
    public int MaxLiveInstances { get; set; } = EngineOptions.DefaultMaxLiveInstances;

    /// <summary>
    /// Gets or sets the maximum number of unfinished instances, from 1, beyond which callers' starts over HTTP and MCP are answered 429 <c>queue_full</c>. What schedules and the app's own code start counts, and is never refused. Default
    /// 100,000: a caller that starts instances in a loop fills neither memory nor disk.
    /// </summary>
    public int MaxUnfinishedInstances { get; set; } = DefaultMaxUnfinishedInstances;

    /// <summary>Gets the same for single workflows, by name, each from 1; both limits hold. Default: none.</summary>
    public IDictionary<string, int> MaxUnfinishedPerWorkflow { get; } = new Dictionary<string, int>(StringComparer.Ordinal);

    /// <summary>Gets or sets what a commit waits for. Default: the disk.</summary>
    public Durability Durability { get; set; } = Durability.Full;

    /// <summary>Gets or sets how long a stop waits for activities under way, zero or more; unfinished ones run again at the next start. Default 5 seconds.</summary>
    public TimeSpan StopTimeout { get; set; } = EngineOptions.DefaultStopTimeout;

    /// <summary>Gets or sets the time limit of one tool call, above zero. Default 30 seconds.</summary>
    public TimeSpan ToolTimeout { get; set; } = ActivitiesOptions.DefaultToolTimeout;

    /// <summary>Gets or sets the size of the cache of parsed payloads in bytes of JSON text, 0 or more; it takes two to three times that in memory. Default 64 MB.</summary>
    public long PayloadCacheBytes { get; set; } = ActivitiesOptions.DefaultPayloadCacheBytes;

    /// <summary>Gets or sets a value indicating whether the engine is paused: instances can be read but take no steps. Default: it is not.</summary>
    public bool Paused { get; set; }

    /// <summary>Gets or sets a value indicating whether this host starts what the schedules of workflows have due. What is due while no host does counts as missed. Default: it does.</summary>
    public bool RunSchedules { get; set; } = true;

    /// <summary>
    /// Gets or sets the API key that requests to the mapped routes must carry (<c>X-API-Key</c>, or <c>Authorization: Bearer</c>), health checks aside: 16 or more visible ASCII characters. Default: none;
    /// then the app decides who may call, for example with <c>app.MapPolyphony().RequireAuthorization()</c>.
    /// </summary>
    public string? ApiKey { get; set; }

    /// <summary>Gets or sets the maximum size of a request body in bytes, 1 or more; larger ones are answered 413. Default 1 MB.</summary>
    public int MaxBodyBytes { get; set; } = PolyphonyHttpOptions.DefaultMaxBodyBytes;

    /// <summary>Gets or sets the maximum total size in bytes of the bodies of all requests under way, 1 or more and preferably many times <see cref="MaxBodyBytes"/>; requests above it are answered 503. Default 128 MB.</summary>
    public long MaxUploadBytes { get; set; } = DefaultMaxUploadBytes;

    /// <summary>Gets or sets how long an event stream may be silent before it sends a comment, so that proxies keep it open: 100 ms to 1 hour. Default 15 seconds.</summary>
    public TimeSpan Heartbeat { get; set; } = PolyphonyHttpOptions.DefaultHeartbeat;

    /// <summary>
    /// Gets or sets a value indicating whether a caller may start an inline definition: a workflow in the body of the request. A definition decides which tools are called and how much is spent, so this is for apps that only
    /// trusted callers can reach. Default: not allowed.
    /// </summary>
    public bool AllowInlineDefinitions { get; set; }

    /// <summary>Gets or sets the path below the prefix at which the OpenAPI document is served; it begins with <c>/</c>. Default <c>/openapi/polyphony.json</c>.</summary>
    public string OpenApiPath { get; set; } = DefaultOpenApiPath;

    /// <summary>Gets or sets what gives the secret of <see cref="PolyphonyHttpOptions.OwnerToken"/>; called once the data folder is this process's.</summary>
    internal Func<string?>? MakeOwnerToken { get; set; }

    /// <summary>Gets what the configuration says of models, allowed endpoints and prices.</summary>
    internal ModelSection? Section { get; set; }

    /// <summary>Gets the limits on unfinished instances.</summary>
    internal AdmissionLimits Admission => new() { MaxUnfinished = MaxUnfinishedInstances, PerWorkflow = new Dictionary<string, int>(MaxUnfinishedPerWorkflow, StringComparer.Ordinal) };

    /// <summary>Gets what is wrong with the configuration itself.</summary>
    internal List<string> Problems { get; } = [];
}
