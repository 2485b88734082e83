using Polyphony.Core.Durable.History;

namespace Polyphony.Engine.Storage;

/// <summary>One step of an instance: the events that it appended to the history.</summary>
internal sealed class StepRow
{
    internal DateTimeOffset Time { get; init; }

    /// <summary>Gets the <see cref="HistoryEvent.Sequence"/> of the first item.</summary>
    internal long FirstSequence { get; init; }

    /// <summary>Gets the generation that begins with this row, from 1; 0 for any other row.</summary>
    internal int Generation { get; init; }

    internal bool SetsCustomStatus { get; init; }

    internal string? CustomStatus { get; init; }

    internal List<StepItem> Items { get; init; } = [];

    /// <summary>Gets message rows older than this generation that are still to be taken in.</summary>
    internal List<long> CarriedRows { get; init; } = [];
}

/// <summary>An event of a step, or the row of the message that the step took in.</summary>
internal readonly record struct StepItem(HistoryEvent? Event, long MessageRow);

/// <summary>Something that arrived for an instance and was committed before a step took it in.</summary>
internal sealed record MessageRow(DateTimeOffset Time, int Generation, HistoryEvent Event);

/// <summary>A row as it lies in the log.</summary>
internal readonly record struct LogRow(long Sequence, long Previous, StepRow? Step, MessageRow? Message);

/// <summary>A row of the table of instances.</summary>
internal sealed record InstanceRow
{
    internal required long Key { get; init; }

    internal required string Id { get; init; }

    internal required string Name { get; init; }

    internal long ParentKey { get; init; }

    internal string? ParentId { get; init; }

    internal string? ParentName { get; init; }

    internal int ParentTaskId { get; init; }

    internal int ParentGeneration { get; init; }

    internal required DateTimeOffset Created { get; init; }

    internal DateTimeOffset Updated { get; init; }

    internal DateTimeOffset? Completed { get; init; }

    /// <summary>Gets the final status; not kept up to date before the end.</summary>
    internal int Status { get; init; }

    internal long Head { get; init; }

    /// <summary>Gets the first row of the current generation.</summary>
    internal long GenerationRow { get; init; }

    internal string? Tags { get; init; }

    internal string? CustomStatus { get; init; }
}
