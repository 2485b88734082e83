using Polyphony.Core.CodeFirst;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;

namespace Polyphony.Hosting.Workflows;

/// <summary>A workflow that is part of the program, as a graph.</summary>
/// <param name="Definition">The workflow.</param>
internal sealed record AppDefinition(WorkflowDefinition Definition);

/// <summary>A workflow that is part of the program, in C#.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Agents">Its models, agents and limits.</param>
/// <param name="Body">Its code.</param>
internal sealed record AppCodeWorkflow(string Name, WorkflowDefinition Agents, CodeWorkflowFunction Body);

/// <summary>The workflows that are part of the program. Thread-safe.</summary>
/// <param name="definitions">Those that are graphs.</param>
/// <param name="workflows">Those in C#.</param>
internal sealed class AppWorkflows(IEnumerable<AppDefinition> definitions, IEnumerable<AppCodeWorkflow> workflows)
{
    private readonly AppCodeWorkflow[] _workflows = [.. workflows];

    /// <summary>Gets the graphs.</summary>
    public IReadOnlyList<WorkflowDefinition> Definitions { get; } = [.. definitions.Select(each => each.Definition)];

    /// <summary>Gets the agents of the workflows in C#.</summary>
    public IEnumerable<WorkflowDefinition> Agents => _workflows.Select(workflow => workflow.Agents).DistinctBy(agents => agents.Hash);

    /// <summary>Checks that names are used once.</summary>
    /// <param name="problems">Takes what is wrong.</param>
    public void Check(ICollection<string> problems)
    {
        foreach (var name in Definitions.Select(definition => definition.Name).Concat(_workflows.Select(workflow => workflow.Name)).GroupBy(name => name, StringComparer.Ordinal).Where(group => group.Count() > 1))
        {
            problems.Add($"There are {name.Count()} workflows named \"{name.Key}\" in the program. Give each a name of its own.");
        }
    }

    /// <summary>Adds the workflows in C# to a registry.</summary>
    /// <param name="registry">The registry.</param>
    /// <param name="prices">Refuses limits of money that can't hold.</param>
    /// <exception cref="WorkflowInvalidException">One can't.</exception>
    public void Register(DurableRegistry registry, PriceCheck prices)
    {
        foreach (var workflow in _workflows)
        {
            if (registry.Orchestrations.ContainsKey(workflow.Name))
            {
                throw new PolyphonyException("workflow_name_taken", $"The name \"{workflow.Name}\" is one of Polyphony's own orchestrations. Give the workflow another.");
            }

            registry.AddCodeWorkflow(workflow.Name, workflow.Agents, workflow.Body, prices);
        }
    }
}
