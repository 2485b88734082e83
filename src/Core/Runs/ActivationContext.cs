using Polyphony.Core.Durable;
using Polyphony.Core.Locks;

namespace Polyphony.Core.Runs;

/// <summary>What those who run activations share.</summary>
/// <param name="Calls">The calls to activities.</param>
/// <param name="Plan">The workflow.</param>
/// <param name="Budget">What may still be used.</param>
/// <param name="Stop">Whether to begin nothing new.</param>
/// <param name="Observer">Who is told of progress.</param>
/// <param name="SubWorkflows">The pinned sub-workflows.</param>
/// <param name="Rewinds">How many times the run was set back after a failure.</param>
/// <param name="Publications">Where published messages go.</param>
/// <param name="Slots">The slots of the run; <see langword="null"/> for a part of a <c>forEach</c>, whose lanes hold them.</param>
/// <param name="Outcomes">The outcomes of the run; <see langword="null"/> for a part of a <c>forEach</c>.</param>
/// <param name="Locks">The locks of the run; <see langword="null"/> for a part of a <c>forEach</c>, which takes none.</param>
/// <param name="Code">The program's workflows in C#.</param>
internal sealed record ActivationContext(
    RunCalls Calls, WorkflowPlan Plan, RunBudget Budget, RunStop Stop, IRunObserver Observer, PinnedWorkflows? SubWorkflows, int Rewinds,
    Publications Publications, SlotGate? Slots = null, OutcomeLog? Outcomes = null, RunLocks? Locks = null, CodeFirst.CodeWorkflows? Code = null)
{
    public OrchestrationContext Durable => Calls.Context;

    public DateTimeOffset Now => Durable.CurrentUtcDateTime;

    /// <summary>Gets the pinned definitions of the workflows that an agent runs as tools, as hashes by tool; <see langword="null"/> if it runs none.</summary>
    public IReadOnlyDictionary<string, string>? WorkflowsOf(Definitions.AgentDefinition agent)
    {
        var tools = agent.Tools.Select(tool => Plan.Definition.Tools.GetValueOrDefault(tool)).OfType<Definitions.WorkflowToolDefinition>().Where(tool => SubWorkflows?.Hashes.ContainsKey(tool.Workflow) == true);
        return tools.ToDictionary(tool => tool.Name, tool => SubWorkflows!.Hashes[tool.Workflow], StringComparer.Ordinal) is { Count: > 0 } hashes ? hashes : null;
    }

    /// <summary>Determines whether nothing further begins.</summary>
    public bool IsEnding(WorkLimit limit) => limit.Ending.IsCancellationRequested || Stop.IsRequested;
}
