using System.Collections.Immutable;
using Polyphony.Core.Definitions;

namespace Polyphony.Activities.Providers;

/// <summary>Resolves model aliases. Thread-safe.</summary>
internal interface IModelRegistry
{
    /// <summary>Gets the aliases of the host's settings, by name. None by default.</summary>
    IReadOnlyDictionary<string, ModelDefinition> HostModels => ImmutableDictionary<string, ModelDefinition>.Empty;

    /// <summary>Resolves an alias: first among those of the workflow, then among those of the host.</summary>
    /// <param name="workflow">The pinned definition.</param>
    /// <param name="alias">The alias.</param>
    /// <returns>The model.</returns>
    /// <exception cref="ModelException">The alias, its provider or its key is missing (terminal).</exception>
    ResolvedModel Resolve(WorkflowDefinition workflow, string alias);

    /// <summary>Gets what the host's settings name as fallback of an alias that they define. Those of the workflow's own aliases stand in the workflow.</summary>
    /// <param name="workflow">The pinned definition.</param>
    /// <param name="alias">The alias.</param>
    /// <returns>The aliases, in order; none when the workflow defines the alias, or nobody does.</returns>
    IReadOnlyList<string> HostFallback(WorkflowDefinition workflow, string alias) =>
        !workflow.Models.ContainsKey(alias) && HostModels.TryGetValue(alias, out var definition) ? definition.Fallback : [];
}
