using Polyphony.Core.Definitions;

namespace Polyphony.Activities.Workflows;

/// <summary>
/// The workflows of a folder: its <c>*.yaml</c>, <c>*.yml</c> and <c>*.json</c> files, not those of folders inside it. Looks at the folder whenever it is asked and reads
/// a file again when its time or size has changed. Thread-safe.
/// </summary>
/// <param name="folder">The folder; one that does not exist (yet) has no workflows.</param>
internal sealed class FolderWorkflowCatalog(string folder) : IWorkflowCatalog
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    /// <summary>
    /// Gets everything that is wrong in the folder: invalid files, names used twice (the first file by name counts), and workflow nodes that don't fit the workflow
    /// that they name. Problems of one file hide no other.
    /// </summary>
    public IReadOnlyList<WorkflowProblem> Problems
    {
        get
        {
            var files = Refresh();
            var problems = new List<WorkflowProblem>();
            var owners = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var file in files)
            {
                problems.AddRange(file.Result.Problems);
                var name = Path.GetFileName(file.Path);
                if (file.Result.Definition is not null && !owners.TryAdd(file.Name, name))
                {
                    problems.Add(new WorkflowProblem(
                        "name_clash", "name", file.Result.Locations.GetValueOrDefault("name"), $"the name \"{file.Name}\" is taken by {owners[file.Name]}, so this file is not used", "Rename one of them.", name));
                }

                problems.AddRange(WorkflowLinks.Check(file.Result, this, name));
            }

            return problems;
        }
    }

    /// <inheritdoc/>
    public WorkflowDefinition? Find(string name)
    {
        WorkflowFile? invalid = null;
        foreach (var file in Refresh())
        {
            if (file.Name != name)
            {
                continue;
            }

            if (file.Result.Definition is { } definition)
            {
                return definition;
            }

            invalid ??= file;
        }

        return invalid is null ? null : throw new WorkflowInvalidException(invalid.Result.Problems);
    }

    /// <inheritdoc/>
    public IReadOnlyList<WorkflowDefinition> List() =>
        [.. Refresh().Select(file => file.Result.Definition).OfType<WorkflowDefinition>().DistinctBy(definition => definition.Name).OrderBy(definition => definition.Name, StringComparer.Ordinal)];

    private List<WorkflowFile> Refresh()
    {
        lock (_lock)
        {
            var found = Files();
            foreach (var gone in _entries.Keys.Except(found.Select(file => file.FullName)).ToArray())
            {
                _entries.Remove(gone);
            }

            foreach (var file in found)
            {
                var (time, size) = (file.LastWriteTimeUtc, file.Length);
                if (!_entries.TryGetValue(file.FullName, out var entry) || entry.Time != time || entry.Size != size)
                {
                    _entries[file.FullName] = new Entry(time, size, WorkflowFile.Load(file.FullName, file.Name));
                }
            }

            return [.. found.Select(file => _entries[file.FullName].File)];
        }
    }

    private List<FileInfo> Files()
    {
        try
        {
            return [.. new DirectoryInfo(folder).EnumerateFiles()
                .Where(file => file.Extension.ToLowerInvariant() is ".yaml" or ".yml" or ".json" && file.Exists)
                .OrderBy(file => file.Name, StringComparer.Ordinal)];
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
    }

    private sealed record Entry(DateTime Time, long Size, WorkflowFile File);
}
