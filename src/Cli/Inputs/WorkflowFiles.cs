using Polyphony.Activities.Workflows;
using Polyphony.Core.Workflows;

namespace Polyphony.Cli.Inputs;

/// <summary>Reads workflow files for commands, with the other workflows of their folder.</summary>
internal static class WorkflowFiles
{
    /// <summary>Reads a file and checks it with what it uses.</summary>
    /// <param name="path">The file.</param>
    /// <returns>What was read, every problem, and the catalog of its folder.</returns>
    public static (WorkflowParseResult Result, IReadOnlyList<WorkflowProblem> Problems, IWorkflowCatalog Catalog) Check(string path)
    {
        var file = WorkflowFile.Load(path);
        var catalog = new FolderWorkflowCatalog(Path.GetDirectoryName(Path.GetFullPath(path))!);
        return (file.Result, [.. file.Result.Problems, .. WorkflowLinks.Check(file.Result, catalog, path)], catalog);
    }

    /// <summary>Reads a file that must be valid.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The workflow, and those that it uses.</returns>
    /// <exception cref="CliException">It is not valid; the message lists every problem.</exception>
    public static (WorkflowDefinition Definition, IReadOnlyList<WorkflowDefinition> Uses) Load(string path)
    {
        var (result, problems, catalog) = Check(path);
        if (problems.Count > 0)
        {
            throw CliException.Invalid(string.Join(Environment.NewLine, problems));
        }

        var uses = new Dictionary<string, WorkflowDefinition>(StringComparer.Ordinal);
        Collect(result.Require(), catalog, uses);
        return (result.Require(), [.. uses.Values]);
    }

    private static void Collect(WorkflowDefinition definition, IWorkflowCatalog catalog, Dictionary<string, WorkflowDefinition> uses)
    {
        foreach (var name in definition.Graph.Nodes.OfType<WorkflowNode>().Select(node => node.Workflow))
        {
            if (!uses.ContainsKey(name) && catalog.Find(name) is { } used)
            {
                uses.Add(name, used);
                Collect(used, catalog, uses);
            }
        }
    }
}
