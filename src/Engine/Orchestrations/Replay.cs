using Polyphony.Core.Durable;
using Polyphony.Core.Durable.History;

namespace Polyphony.Engine.Orchestrations;

/// <summary>Brings code to where its history left it, and finds where the two differ.</summary>
internal static class Replay
{
    /// <summary>Runs the code over its recorded steps.</summary>
    /// <exception cref="NonDeterministicOrchestrationException">The code took another step than the history records.</exception>
    internal static Execution Run(ExecutionFacts facts, OrchestrationFunction function, GenerationHistory history)
    {
        var execution = new Execution(facts);
        foreach (var step in history.Steps)
        {
            execution.BeginStep(step.Time, replaying: true);
            Begin(execution, function, history);
            foreach (var arrived in step.Arrived)
            {
                execution.Apply(arrived);
            }

            Compare(facts, execution, step);
        }

        return execution;
    }

    /// <summary>Starts the code, in the first step, with what came over from the generation before.</summary>
    internal static void Begin(Execution execution, OrchestrationFunction function, GenerationHistory history)
    {
        if (execution.HasStarted)
        {
            return;
        }

        execution.Start(function, history.Start.Input);
        foreach (var carried in history.Carried)
        {
            execution.Apply(carried);
        }
    }

    private static void Compare(ExecutionFacts facts, Execution execution, RecordedStep step)
    {
        // In a step that had failed and was set back, fixed code may go further than it did: what it does more is new.
        var attempted = step.Rewound ? execution.PeekActions() : execution.TakeActions();
        execution.TakeCancelledTimers();
        var sequence = step.FirstSequence + 1 + step.Arrived.Count;
        for (var i = 0; i < Math.Max(step.Asked.Count, step.Rewound ? 0 : attempted.Count); i++)
        {
            var recorded = i < step.Asked.Count ? step.Asked[i] : null;
            var made = i < attempted.Count ? attempted[i] : null;
            if (recorded is null || made is null || !HistoryEvents.IsSameAction(recorded, made, facts.ComparesInputs))
            {
                throw Difference(facts, execution, step, recorded, made, sequence + i);
            }
        }

        if (step.Rewound)
        {
            execution.DropActions(step.Asked.Count);
        }
        else if (execution.Ended is not null && step.End is null)
        {
            throw new NonDeterministicOrchestrationException(
                facts.Id, "that it waited then", Instead(execution), $"history event {sequence + step.Asked.Count} (after {step.Asked.Count} actions of this step)");
        }
    }

    /// <summary>Says which action the history records and which the code took, of which one may be missing.</summary>
    private static NonDeterministicOrchestrationException Difference(
        ExecutionFacts facts, Execution execution, RecordedStep step, HistoryEvent? recorded, HistoryEvent? made, long sequence) => new(
        facts.Id,
        recorded is not null ? Words(recorded, made) : step.End is { } end ? $"that it did then {HistoryEvents.Describe(end)}" : "that it waited then",
        made is null ? Instead(execution) : $"did {Words(made, recorded)}",
        $"history event {sequence} (task {HistoryEvents.TaskIdOfAction(recorded ?? made!)})");

    private static string Instead(Execution execution) => execution.Ended switch
    {
        null => "waited",
        { IsFaulted: true } failed => $"failed with \"{failed.Exception!.InnerException!.Message}\"",
        _ when execution.ContinuesAsNew => "continued as new",
        _ => "returned",
    };

    /// <summary>Names an action, with its input where that is all that differs.</summary>
    private static string Words(HistoryEvent action, HistoryEvent? other)
    {
        var words = HistoryEvents.Describe(action);
        if (other is null || HistoryEvents.Describe(other) != words)
        {
            return words;
        }

        return $"{words} as task {HistoryEvents.TaskIdOfAction(action)} with input {Shorten(HistoryEvents.InputOfAction(action))}";
    }

    private static string Shorten(string? input) => input switch
    {
        null => "null",
        { Length: > 100 } => $"{input.AsSpan(0, 100)}... ({input.Length} characters)",
        _ => input,
    };
}
