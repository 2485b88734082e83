using Polyphony.Core.Workflows;

namespace Polyphony.Activities.Providers;

/// <summary>Resolves model aliases. Thread-safe.</summary>
public interface IModelRegistry
{
    /// <summary>Resolves an alias: first among those of the workflow, then among those of the host.</summary>
    /// <param name="workflow">The pinned definition.</param>
    /// <param name="alias">The alias.</param>
    /// <returns>The model.</returns>
    /// <exception cref="ModelException">The alias, its provider or its key is missing (terminal).</exception>
    ResolvedModel Resolve(WorkflowDefinition workflow, string alias);
}
