using Polyphony.Core.Runs;
using Polyphony.Core.Topics;

namespace Polyphony.Core.Durable;

/// <summary>Which instances to list, newest first. Every condition that is given must hold.</summary>
public sealed record OrchestrationQuery
{
    /// <summary>The default of <see cref="PageSize"/>.</summary>
    public const int DefaultPageSize = 100;

    /// <summary>The largest <see cref="PageSize"/>.</summary>
    public const int MaxPageSize = 1000;

    /// <summary>Gets the statuses wanted; empty means all.</summary>
    public IReadOnlyCollection<OrchestrationRuntimeStatus> Statuses { get; init; } = [];

    /// <summary>Gets the orchestration name wanted, or <see langword="null"/> for all.</summary>
    public string? Name { get; init; }

    /// <summary>Gets what the ids start with, or <see langword="null"/>.</summary>
    public string? InstanceIdPrefix { get; init; }

    /// <summary>Gets the earliest creation time, inclusive.</summary>
    public DateTimeOffset? CreatedFrom { get; init; }

    /// <summary>Gets the latest creation time, exclusive.</summary>
    public DateTimeOffset? CreatedTo { get; init; }

    /// <summary>Gets tags that must be present with these values.</summary>
    public IReadOnlyDictionary<string, string>? Tags { get; init; }

    /// <summary>Gets a value indicating whether child orchestrations are listed as well. Default: they are not, but for runs that handle the messages of a mailbox.</summary>
    public bool IncludeChildren { get; init; }

    /// <summary>Gets a value indicating whether inputs and outputs are read. Default: they are not.</summary>
    public bool FetchInputsAndOutputs { get; init; }

    /// <summary>Gets the maximum number of instances a page may hold: 1 to 1,000, default 100.</summary>
    public int PageSize { get; init; } = DefaultPageSize;

    /// <summary>Gets the <see cref="OrchestrationPage.ContinuationToken"/> of the page before, or <see langword="null"/> for the first.</summary>
    public string? ContinuationToken { get; init; }

    /// <summary>Tells whether instances of a name are wanted: by default neither mailboxes nor schedules, which never end, unless their name is given.</summary>
    internal bool WantsName(string name) => Name is null ? name is not (TaskNames.MailboxOrchestration or TaskNames.ScheduleOrchestration or TaskNames.LockOrchestration) : name == Name;

    /// <summary>Tells whether instances of a name and with a parent are wanted: children by default only where they handle the messages of a mailbox.</summary>
    internal bool Wants(string name, string? parentInstanceId) => WantsName(name) && (IncludeChildren || parentInstanceId is null || parentInstanceId.StartsWith(TopicNames.Prefix, StringComparison.Ordinal));

    /// <summary>Checks the size of the page; a client does so before it reads.</summary>
    /// <exception cref="PolyphonyException">It is out of range (<c>invalid_page_size</c>).</exception>
    public void Check()
    {
        if (PageSize is < 1 or > MaxPageSize)
        {
            throw new PolyphonyException("invalid_page_size", $"A page holds 1 to {MaxPageSize} instances; found: {PageSize}.");
        }
    }
}

/// <summary>A page of a query.</summary>
/// <param name="Instances">The instances, newest first.</param>
/// <param name="ContinuationToken">What to pass on for the next page; <see langword="null"/> at the end. Opaque.</param>
public sealed record OrchestrationPage(IReadOnlyList<OrchestrationMetadata> Instances, string? ContinuationToken);
