using Polyphony.Core.Definitions;

namespace Polyphony.Activities.Tools;

/// <summary>Where tools come from that are not functions of the program. Thread-safe.</summary>
internal interface IToolSource
{
    /// <summary>Finds a tool.</summary>
    /// <param name="workflow">The workflow that names it.</param>
    /// <param name="name">Its name.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The tool; <see langword="null"/> if it is none of this source's.</returns>
    /// <exception cref="Providers.ModelException">It is of this source, and can't be had now, or not at all.</exception>
    ValueTask<ResolvedTool?> FindAsync(WorkflowDefinition workflow, string name, CancellationToken cancellationToken);
}
