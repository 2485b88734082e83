using Polyphony.Core.CodeFirst;
using Polyphony.Core.Definitions;

namespace Polyphony.Activities.Apps;

/// <summary>A folder of workflow files.</summary>
/// <param name="Folder">The folder, as the app names it.</param>
internal sealed record AppWorkflowFolder(string Folder);

/// <summary>A workflow that is part of the program, as a graph.</summary>
/// <param name="Definition">The workflow.</param>
internal sealed record AppDefinition(WorkflowDefinition Definition);

/// <summary>A workflow that is part of the program, in C#.</summary>
/// <param name="Workflow">It alone.</param>
internal sealed record AppCodeWorkflow(CodeWorkflows Workflow);

/// <summary>The workflows that are part of the program. Thread-safe.</summary>
/// <param name="definitions">Those that are graphs.</param>
/// <param name="workflows">Those in C#.</param>
internal sealed class AppWorkflows(IEnumerable<AppDefinition> definitions, IEnumerable<AppCodeWorkflow> workflows)
{
    private readonly WorkflowDefinition[] _graphs = [.. definitions.Select(each => each.Definition)];
    private readonly CodeWorkflows[] _code = [.. workflows.Select(each => each.Workflow)];

    /// <summary>Gets all of them.</summary>
    public IEnumerable<WorkflowDefinition> Definitions => _graphs.Concat(_code.SelectMany(each => each.Definitions));

    /// <summary>Gets those in C#.</summary>
    /// <exception cref="ArgumentException">Two have one name.</exception>
    public CodeWorkflows Code => _code.Aggregate(new CodeWorkflows(), (all, each) => all.Add(each));

    /// <summary>Checks that names are used once.</summary>
    /// <param name="problems">Takes what is wrong.</param>
    public void Check(ICollection<string> problems)
    {
        foreach (var name in Definitions.GroupBy(definition => definition.Name, StringComparer.Ordinal).Where(group => group.Count() > 1))
        {
            problems.Add($"There are {name.Count()} workflows named \"{name.Key}\" in the program. Give each a different name.");
        }
    }
}
