using Polyphony.Core.Durable;
using Polyphony.Core.Durable.History;
using Polyphony.Engine.Storage;

namespace Polyphony.Engine.Orchestrations;

/// <summary>A step as replay needs it: what came in, and what the code asked for then.</summary>
internal sealed class RecordedStep(DateTimeOffset time, long firstSequence)
{
    internal DateTimeOffset Time { get; } = time;

    internal long FirstSequence { get; } = firstSequence;

    internal List<HistoryEvent> Arrived { get; } = [];

    internal List<HistoryEvent> Asked { get; } = [];

    /// <summary>Gets or sets a value indicating whether the failure that ended this step no longer counts.</summary>
    internal bool Rewound { get; set; }

    /// <summary>Gets or sets the event that ended the instance in this step, if one did.</summary>
    internal HistoryEvent? End { get; set; }
}

/// <summary>The current generation of an instance, read from its rows without running any code.</summary>
internal sealed class GenerationHistory
{
    private GenerationHistory(int generation, ExecutionStarted start)
    {
        Generation = generation;
        Start = start;
    }

    internal int Generation { get; }

    internal ExecutionStarted Start { get; private set; }

    /// <summary>Gets events that came over from the generation before.</summary>
    internal List<HistoryEvent> Carried { get; } = [];

    internal List<RecordedStep> Steps { get; } = [];

    /// <summary>Gets what arrived and was not yet taken in by a step.</summary>
    internal SortedDictionary<long, MessageRow> Waiting { get; } = [];

    internal bool IsSuspended { get; private set; }

    internal FailureDetails? Failure { get; private set; }

    internal string? CustomStatus { get; private set; }

    internal DateTimeOffset LastStepTime { get; private set; }

    internal DateTimeOffset Updated { get; private set; }

    internal long EventCount { get; private set; }

    internal long GenerationRow { get; private set; }

    /// <summary>Gets a value indicating whether the newest row sets the instance back, so that a step is due although nothing arrived.</summary>
    internal bool EndsRewound { get; private set; }

    /// <summary>Makes the history of a generation that begins now.</summary>
    internal static GenerationHistory Begin(int generation, ExecutionStarted start, IEnumerable<HistoryEvent> carried)
    {
        var history = new GenerationHistory(generation, start);
        history.Carried.AddRange(carried);
        return history;
    }

    /// <summary>Reads the current generation.</summary>
    internal static GenerationHistory Read(StoreReader reader, long head)
    {
        var rows = reader.ReadChain(head, static row => row.Step is { Generation: > 0 });
        if (rows is not [{ Step: { Generation: > 0, Items: [{ Event: ExecutionStarted start }, ..] } first }, ..])
        {
            throw DataFileException.Corrupt(reader.Name, $"the instance whose newest row is {head} has no beginning");
        }

        var history = new GenerationHistory(first.Generation, start) { GenerationRow = rows[0].Sequence };
        foreach (var carried in first.CarriedRows)
        {
            history.Waiting.Add(carried, reader.ReadRow(carried).Message ?? throw DataFileException.Corrupt(reader.Name, $"row {carried} is no message"));
        }

        foreach (var row in rows)
        {
            if (row.Message is { } message)
            {
                history.Waiting.Add(row.Sequence, message);
                history.Updated = message.Time;
            }
            else
            {
                history.Add(reader, row.Step!);
            }
        }

        return history;
    }

    /// <summary>Gets the tasks that were asked for and have neither ended nor been cancelled.</summary>
    internal IEnumerable<HistoryEvent> OpenTasks()
    {
        var ended = new HashSet<int>();
        foreach (var arrived in Steps.SelectMany(step => step.Arrived))
        {
            if (HistoryEvents.TaskIdOfResult(arrived) is { } task)
            {
                ended.Add(task);
            }
        }

        foreach (var cancelled in Steps.SelectMany(step => step.Asked).OfType<TaskCancelled>())
        {
            ended.Add(cancelled.TaskId);
        }

        foreach (var message in Waiting.Values)
        {
            if (message.Generation == Generation && HistoryEvents.TaskIdOfResult(message.Event) is { } task)
            {
                ended.Add(task);
            }
        }

        return Steps.SelectMany(step => step.Asked).Where(asked => !ended.Contains(HistoryEvents.TaskIdOfAction(asked)));
    }

    private void Add(StoreReader reader, StepRow row)
    {
        Updated = row.Time;
        EndsRewound = false;
        EventCount = row.FirstSequence - 1 + row.Items.Count;
        if (row.SetsCustomStatus)
        {
            CustomStatus = row.CustomStatus;
        }

        RecordedStep? step = null;
        foreach (var (own, messageRow) in row.Items)
        {
            var item = own;
            if (messageRow > 0)
            {
                if (!Waiting.Remove(messageRow, out var message))
                {
                    throw DataFileException.Corrupt(reader.Name, $"a step takes in row {messageRow}, which is no waiting message");
                }

                // What another generation had asked for was taken out of the way, no more.
                if (message.Generation != 0 && message.Generation != Generation)
                {
                    continue;
                }

                item = message.Event;
            }

            switch (item)
            {
                case OrchestratorStarted:
                    step = new RecordedStep(row.Time, row.FirstSequence);
                    Steps.Add(step);
                    LastStepTime = row.Time;
                    break;
                case ExecutionStarted:
                    break;
                case EventRaised when step is null:
                    Carried.Add(item);
                    break;
                case ExecutionSuspended suspended:
                    IsSuspended = true;
                    Failure = suspended.FailureDetails;
                    break;
                case ExecutionResumed:
                    IsSuspended = false;
                    Failure = null;
                    break;
                case ExecutionRewound rewound:
                    Rewind(rewound.TaskIds);
                    break;
                case ExecutionCompleted or ExecutionFailed or ContinuedAsNew or ExecutionTerminated:
                    step?.End = item;
                    break;
                default:
                    (HistoryEvents.IsAction(item!) ? step?.Asked : step?.Arrived)?.Add(item!);
                    break;
            }
        }
    }

    /// <summary>Takes failures out, so that replay does not see them and their tasks are open again.</summary>
    internal void Rewind(IReadOnlyCollection<int> tasks)
    {
        EndsRewound = true;
        foreach (var step in Steps)
        {
            step.Arrived.RemoveAll(arrived => arrived is TaskFailed or SubOrchestrationFailed && tasks.Contains(HistoryEvents.TaskIdOfResult(arrived)!.Value));
            if (step.End is ExecutionFailed)
            {
                step.End = null;
                step.Rewound = true;
            }
        }
    }
}
