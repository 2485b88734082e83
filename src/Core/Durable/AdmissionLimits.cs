namespace Polyphony.Core.Durable;

/// <summary>How many unfinished instances there may be for another start of a workflow to be accepted. Starts beyond that are refused with <see cref="QueueFullException"/>; nothing that was accepted is affected.</summary>
/// <remarks>
/// What counts are unfinished instances of workflows that no other instance has started: those of clients, of schedules, of queue messages and of the program's own code. Children don't, and neither do
/// instances that handle the messages of a mailbox.
/// </remarks>
public sealed record AdmissionLimits
{
    private static readonly IReadOnlyDictionary<string, int> NoWorkflow = new Dictionary<string, int>(StringComparer.Ordinal);

    /// <summary>No limits.</summary>
    public static AdmissionLimits None { get; } = new();

    /// <summary>Gets the limit of all workflows together, from 1; <see langword="null"/>, the default: none.</summary>
    public int? MaxUnfinished { get; init; }

    /// <summary>Gets the limits of single workflows by name, each from 1; both limits hold. Default: none.</summary>
    public IReadOnlyDictionary<string, int> PerWorkflow { get; init; } = NoWorkflow;

    /// <summary>Gets a value indicating whether a start of a workflow can be refused at all.</summary>
    internal bool Concern(string workflow) => MaxUnfinished is not null || PerWorkflow.ContainsKey(workflow);

    /// <summary>Refuses a start that limits don't allow, before anything is stored for an instance that will not be.</summary>
    /// <exception cref="QueueFullException">They don't allow it, and the id is new.</exception>
    internal static Task CheckAsync(AdmissionLimits? limits, DurableClient client, string workflow, string instanceId, CancellationToken cancellationToken) =>
        limits is not null && limits.Concern(workflow) ? client.CheckAdmissionAsync(limits, workflow, instanceId, cancellationToken) : Task.CompletedTask;

    /// <summary>Finds the limit that a further start would pass.</summary>
    /// <param name="workflow">The workflow to start.</param>
    /// <param name="unfinished">How many instances count.</param>
    /// <param name="ofWorkflow">How many of them are of the workflow.</param>
    /// <returns>The refusal, or <see langword="null"/>.</returns>
    internal QueueFullException? FindExcess(string workflow, int unfinished, int ofWorkflow) =>
        PerWorkflow.TryGetValue(workflow, out var own) && ofWorkflow >= own ? new QueueFullException(workflow, own, ofWorkflow)
        : MaxUnfinished is { } all && unfinished >= all ? new QueueFullException(null, all, unfinished)
        : null;
}
