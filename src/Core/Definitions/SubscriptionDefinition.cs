namespace Polyphony.Core.Definitions;

/// <summary>What binds a topic type to a workflow or an agent: each message of a topic of that type is handled by a run, one after another per source.</summary>
public sealed record SubscriptionDefinition
{
    /// <summary>The default of <see cref="MaxMessages"/>.</summary>
    public const int DefaultMaxMessages = 50;

    /// <summary>The maximum of <see cref="MaxConcurrency"/>: its keeper looks at all that are at work.</summary>
    internal const int MostConcurrent = 1_000;

    /// <summary>The default of <see cref="Retry"/>: 3 attempts.</summary>
    public static readonly RetryDefinition DefaultRetry = new();

    /// <summary>Gets the name, unique in its file: a letter, then letters, digits and <c>_</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Gets the topic type: 1 to 63 lower-case letters, digits and <c>-</c>.</summary>
    public required string Topic { get; init; }

    /// <summary>Gets what the sources begin with whose messages are wanted; <see langword="null"/> for all sources.</summary>
    public string? SourcePrefix { get; init; }

    /// <summary>Gets the agent that handles the messages; <see langword="null"/> if a workflow does.</summary>
    public string? Agent { get; init; }

    /// <summary>Gets the workflow that the short form stands for, with this subscription alone; <see langword="null"/> if the file's own graph handles the messages.</summary>
    public WorkflowDefinition? Handler { get; init; }

    /// <summary>Gets how often, and when, a message is tried again whose run failed or ran out of time; then it becomes a dead letter. <see langword="null"/>: <see cref="DefaultRetry"/>.</summary>
    public RetryDefinition? Retry { get; init; }

    /// <summary>Gets how many messages of the conversation are kept per source, questions and answers together: 0 to 1,000, even, default 50.</summary>
    public int MaxMessages { get; init; } = DefaultMaxMessages;

    /// <summary>Gets how the older part of a long conversation is summarised, before the next message is handled; <see langword="null"/> if it never is.</summary>
    public ConversationCompaction? Compact { get; init; }

    /// <summary>Gets after which time without a message the state and the conversation of a source end; the next message begins new ones. <see langword="null"/>: never.</summary>
    public TimeSpan? Idle { get; init; }

    /// <summary>Gets how many messages of the subscription are handled at the same time, of all sources and on all hosts together: 1 to 1,000. <see langword="null"/>: any number.</summary>
    public int? MaxConcurrency { get; init; }

    /// <summary>Gets the workflow that summarises: one node of <see cref="ConversationCompaction.Agent"/>; <see langword="null"/> without <see cref="Compact"/>.</summary>
    internal WorkflowDefinition? Summarizer { get; init; }

    /// <summary>Tells whether the messages of a topic are wanted.</summary>
    /// <param name="topic">The topic type.</param>
    /// <param name="source">The source.</param>
    /// <returns>Whether they are.</returns>
    public bool Wants(string topic, string source) => Topic == topic && (SourcePrefix is null || source.StartsWith(SourcePrefix, StringComparison.Ordinal));
}
