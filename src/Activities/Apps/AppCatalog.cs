using Polyphony.Activities.Workflows;
using Polyphony.Core.Definitions;

namespace Polyphony.Activities.Apps;

/// <summary>The workflows that an app can start by name: those of the program, then those of its folders in their order. Thread-safe.</summary>
internal sealed class AppCatalog : IWorkflowCatalog
{
    private readonly Dictionary<string, WorkflowDefinition> _own;
    private readonly (string Path, FolderWorkflowCatalog Catalog)[] _folders;

    /// <summary>Makes the catalog.</summary>
    /// <param name="workflows">Those of the program.</param>
    /// <param name="folders">The folders, as absolute paths.</param>
    public AppCatalog(AppWorkflows workflows, IEnumerable<string> folders)
    {
        _own = workflows.Definitions.DistinctBy(definition => definition.Name).ToDictionary(definition => definition.Name, StringComparer.Ordinal);
        _folders = [.. folders.Distinct(StringComparer.Ordinal).Select(folder => (folder, new FolderWorkflowCatalog(folder)))];
    }

    /// <summary>Gets everything that is wrong in the folders, each with its folder.</summary>
    public IEnumerable<(string Folder, WorkflowProblem Problem)> Problems =>
        _folders.SelectMany(folder => folder.Catalog.Problems.Select(problem => (folder.Path, problem)));

    /// <inheritdoc/>
    public WorkflowDefinition? Find(string name) =>
        _own.GetValueOrDefault(name) ?? _folders.Select(folder => folder.Catalog.Find(name)).FirstOrDefault(definition => definition is not null);

    /// <inheritdoc/>
    public IReadOnlyList<WorkflowDefinition> List() =>
        [.. _own.Values.Concat(_folders.SelectMany(folder => folder.Catalog.List())).DistinctBy(definition => definition.Name).OrderBy(definition => definition.Name, StringComparer.Ordinal)];
}
