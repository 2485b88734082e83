namespace Polyphony.Core.Definitions;

/// <summary>The workflows that a host can start, by name. Thread-safe.</summary>
public interface IWorkflowCatalog
{
    /// <summary>Finds a workflow by name.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>The workflow as it is now, or <see langword="null"/>.</returns>
    /// <exception cref="WorkflowInvalidException">There is one, and it is not valid.</exception>
    WorkflowDefinition? Find(string name);

    /// <summary>Lists the valid workflows by name.</summary>
    /// <returns>The workflows.</returns>
    IReadOnlyList<WorkflowDefinition> List();
}
