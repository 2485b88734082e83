using Polyphony.Core.Definitions;

namespace Polyphony.TestKit.Workflows;

/// <summary>A catalog of given workflows.</summary>
public sealed class MapCatalog(params IEnumerable<WorkflowDefinition> workflows) : IWorkflowCatalog
{
    /// <inheritdoc/>
    public WorkflowDefinition? Find(string name) => workflows.FirstOrDefault(workflow => workflow.Name == name);

    /// <inheritdoc/>
    public IReadOnlyList<WorkflowDefinition> List() => [.. workflows];
}
