using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;

namespace Polyphony.DurableFunctions.Hosting;

/// <summary>Which queue and which blobs start workflows. Read from app settings; without them, neither does. The triggers name the same settings.</summary>
public sealed partial record StartSettings
{
    /// <summary>The setting of <see cref="Queue"/>.</summary>
    public const string QueueSetting = "POLYPHONY_QUEUE";

    /// <summary>The setting of <see cref="Blobs"/>.</summary>
    public const string BlobsSetting = "POLYPHONY_BLOBS";

    private const string QueueWorkflowSetting = "POLYPHONY_QUEUE_WORKFLOW";
    private const string BlobsWorkflowSetting = "POLYPHONY_BLOBS_WORKFLOW";
    private const string BlobsSourceSetting = "POLYPHONY_BLOBS_SOURCE";
    private const string PoisonSuffix = "-poison";
    private const int MinName = 3;
    private const int MaxName = 63;

    /// <summary>Gets the name of the queue whose messages start workflows. <c>POLYPHONY_QUEUE</c>.</summary>
    public string? Queue { get; init; }

    /// <summary>Gets the workflow that every message of the queue starts, with the message as its input; without it the messages say what to start. <c>POLYPHONY_QUEUE_WORKFLOW</c>.</summary>
    public string? QueueWorkflow { get; init; }

    /// <summary>Gets the container, or the folder in one (<c>CONTAINER/FOLDER</c>), whose blobs start a workflow. <c>POLYPHONY_BLOBS</c>.</summary>
    public string? Blobs { get; init; }

    /// <summary>Gets the workflow that every blob starts. <c>POLYPHONY_BLOBS_WORKFLOW</c>.</summary>
    public string? BlobsWorkflow { get; init; }

    /// <summary>Gets how new blobs become known. <c>POLYPHONY_BLOBS_SOURCE</c>; default <see cref="BlobsSource.EventGrid"/>.</summary>
    public BlobsSource BlobsSource { get; init; }

    /// <summary>Reads the app settings.</summary>
    /// <param name="configuration">The app settings and environment variables.</param>
    /// <param name="container">The container of the app's own blobs; they must start nothing.</param>
    /// <param name="problems">Takes everything that is wrong.</param>
    /// <returns>The settings.</returns>
    internal static StartSettings Read(IConfiguration configuration, string container, ICollection<string> problems)
    {
        var settings = new StartSettings
        {
            Queue = Text(QueueSetting),
            QueueWorkflow = Text(QueueWorkflowSetting),
            Blobs = Text(BlobsSetting),
            BlobsWorkflow = Text(BlobsWorkflowSetting),
            BlobsSource = Enum.TryParse<BlobsSource>(Text(BlobsSourceSetting), out var source) ? source : BlobsSource.EventGrid,
        };
        foreach (var problem in QueueProblems(settings).Concat(BlobProblems(settings, container, Text(BlobsSourceSetting))))
        {
            problems.Add(problem);
        }

        return settings;

        string? Text(string name) => configuration[name] is { Length: > 0 } value ? value : null;
    }

    /// <summary>Determines whether queues and containers of Azure Storage can have a name.</summary>
    /// <param name="name">The name.</param>
    /// <returns><see langword="true"/> if so; otherwise, <see langword="false"/>.</returns>
    internal static bool IsName(string name) => name.Length is >= MinName and <= MaxName && NamePattern().IsMatch(name);

    private static IEnumerable<string> QueueProblems(StartSettings settings)
    {
        if (settings.Queue is not { } queue)
        {
            if (settings.QueueWorkflow is not null)
            {
                yield return $"{QueueWorkflowSetting} is set, {QueueSetting} is not: name the queue, or remove both.";
            }

            yield break;
        }

        // The host moves what fails to QUEUE-poison, if that can be a queue; otherwise it tries forever.
        if (!IsName(queue) || queue.Length > MaxName - PoisonSuffix.Length || queue.EndsWith(PoisonSuffix, StringComparison.Ordinal))
        {
            yield return $"{QueueSetting} is \"{queue}\"; expected the name of a queue: {MinName} to {MaxName - PoisonSuffix.Length} lower-case letters, digits and single hyphens between them, not ending with {PoisonSuffix}.";
        }
    }

    private static IEnumerable<string> BlobProblems(StartSettings settings, string container, string? source)
    {
        if (source is not null && !Enum.GetNames<BlobsSource>().Contains(source, StringComparer.Ordinal))
        {
            yield return $"{BlobsSourceSetting} is \"{source}\"; expected {string.Join(" or ", Enum.GetNames<BlobsSource>())}.";
        }

        if (settings.Blobs is not { } blobs)
        {
            foreach (var (name, value) in new[] { (BlobsWorkflowSetting, settings.BlobsWorkflow), (BlobsSourceSetting, source) })
            {
                if (value is not null)
                {
                    yield return $"{name} is set, {BlobsSetting} is not: name the container, or remove both.";
                }
            }

            yield break;
        }

        var parts = blobs.Split('/');
        if (!IsName(parts[0]) || parts.Skip(1).Any(part => part.Length == 0 || part.AsSpan().ContainsAny("{}%\\")))
        {
            yield return $"{BlobsSetting} is \"{blobs}\"; expected CONTAINER or CONTAINER/FOLDER: the container {MinName} to {MaxName} lower-case letters, digits and single hyphens between them, the folder without {{, }}, % and \\, and no / at the end.";
        }

        if (parts[0] == container)
        {
            yield return $"{BlobsSetting} names \"{container}\", where the app keeps its own data: each run would start others. Take another container.";
        }

        if (settings.BlobsWorkflow is null)
        {
            yield return $"{BlobsSetting} is set, {BlobsWorkflowSetting} is not: name the workflow that the blobs start.";
        }
    }

    [GeneratedRegex("^[a-z0-9]+(-[a-z0-9]+)*$", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking, 1000)]
    private static partial Regex NamePattern();
}

/// <summary>How new blobs become known; the names are those of the Functions host.</summary>
public enum BlobsSource
{
    /// <summary>Event Grid reports new blobs within seconds. The only choice on Flex Consumption.</summary>
    EventGrid,

    /// <summary>The host scans for new blobs, which can take minutes. It needs no subscription, so it works on Azurite.</summary>
    LogsAndContainerScan,
}
