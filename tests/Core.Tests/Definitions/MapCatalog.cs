using Polyphony.Core.Definitions;

namespace Polyphony.Core.Tests.Definitions;

/// <summary>A catalog of given workflows.</summary>
internal sealed class MapCatalog(params IEnumerable<WorkflowDefinition> workflows) : IWorkflowCatalog
{
    public WorkflowDefinition? Find(string name) => workflows.FirstOrDefault(workflow => workflow.Name == name);

    public IReadOnlyList<WorkflowDefinition> List() => [.. workflows];
}
