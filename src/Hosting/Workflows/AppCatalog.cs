using Microsoft.Extensions.Logging;
using Polyphony.Activities.Workflows;
using Polyphony.Core.Definitions;
using Polyphony.Hosting.Settings;

namespace Polyphony.Hosting.Workflows;

/// <summary>The workflows that an app can start by name: those of the program, then those of its folders in their order. Thread-safe.</summary>
internal sealed class AppCatalog : IWorkflowCatalog
{
    private readonly Dictionary<string, WorkflowDefinition> _own;
    private readonly (string Path, FolderWorkflowCatalog Catalog)[] _folders;

    public AppCatalog(AppWorkflows workflows, HostSettings settings)
    {
        _own = workflows.Definitions.ToDictionary(definition => definition.Name, StringComparer.Ordinal);
        _folders = [.. settings.WorkflowFolders.Distinct(StringComparer.Ordinal).Select(folder => (folder, new FolderWorkflowCatalog(folder)))];
    }

    /// <inheritdoc/>
    public WorkflowDefinition? Find(string name) =>
        _own.GetValueOrDefault(name) ?? _folders.Select(folder => folder.Catalog.Find(name)).FirstOrDefault(definition => definition is not null);

    /// <inheritdoc/>
    public IReadOnlyList<WorkflowDefinition> List() =>
        [.. _own.Values.Concat(_folders.SelectMany(folder => folder.Catalog.List())).DistinctBy(definition => definition.Name).OrderBy(definition => definition.Name, StringComparer.Ordinal)];

    /// <summary>Logs what is wrong in the folders.</summary>
    /// <param name="log">The log.</param>
    public void LogProblems(ILogger log)
    {
        foreach (var (path, catalog) in _folders)
        {
            foreach (var problem in catalog.Problems)
            {
                log.WorkflowProblem(path, problem.ToString());
            }
        }
    }
}
