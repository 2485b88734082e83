using System.Collections.Concurrent;
using Polyphony.Activities.Providers;
using Polyphony.Core.Definitions;
using Polyphony.Core.Runs;

namespace Polyphony.Activities.Limits;

/// <summary>
/// Refuses the calls of a workflow in C# whose limit of money can't hold, from the first one on: a workflow file is checked when it is started (<see cref="PriceCheck"/>), but what code will
/// call is known only by the agents that it has. Thread-safe.
/// </summary>
internal sealed class CostLimits(IModelRegistry models, PriceTable prices)
{
    private readonly ConcurrentDictionary<string, CallError?> _checked = new(StringComparer.Ordinal);

    /// <summary>Gets why nothing is called.</summary>
    /// <param name="definition">The workflow.</param>
    /// <returns>The error; <see langword="null"/> if there is no such limit, or it can hold.</returns>
    public CallError? Refuse(WorkflowDefinition definition) =>
        definition.Limits.MaxCostUsd is null || definition.Graph.Nodes.Any(node => node.Kind.AgentOf(node) is not null) ? null : _checked.GetOrAdd(definition.Hash, _ => Check(definition));

    private CallError? Check(WorkflowDefinition definition)
    {
        var problems = new PriceCheck(models.HostModels, prices.Knows).CheckAgents(definition);
        return problems.Count == 0
            ? null
            : new CallError(ErrorCodes.PriceUnknown, string.Join(' ', problems.Select(problem => $"{problem.Message}. {problem.Hint}")), ErrorKind.Terminal);
    }
}
