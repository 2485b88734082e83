using Polyphony.Activities.Workflows;
using Polyphony.Cli.Output;
using Polyphony.Core.Definitions;

namespace Polyphony.Cli.Inputs;

/// <summary>Reads workflow files for commands, with the other workflows of their folder.</summary>
internal static class WorkflowFiles
{
    /// <summary>Reads a file and checks it with what it uses.</summary>
    /// <param name="path">The file.</param>
    /// <param name="prices">What refuses cost limits that can't hold; <see langword="null"/>: the host that starts it does that.</param>
    /// <returns>What was read, every problem, and the catalog of its folder.</returns>
    public static (WorkflowParseResult Result, IReadOnlyList<WorkflowProblem> Problems, IWorkflowCatalog Catalog) Check(string path, PriceCheck? prices = null)
    {
        var file = WorkflowFile.Load(path);
        var catalog = new FolderWorkflowCatalog(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var linked = WorkflowLinks.Check(file.Result, catalog, path);
        var priced = linked.Count > 0 || file.Result.Definition is not { } definition
            ? []
            : prices?.Check(definition, name => Find(catalog, name), locations: file.Result.Locations, file: path) ?? [];
        return (file.Result, [.. file.Result.Problems, .. linked, .. priced], catalog);
    }

    /// <summary>Says a warning as <c>validate</c> and <c>run</c> print it.</summary>
    public static string Text(WorkflowProblem warning) => PlainText.Line($"{warning} (warning)");

    /// <summary>Reads a file that must be valid.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The workflow, those that it uses, and what is probably not meant.</returns>
    /// <exception cref="CliException">It is not valid; the message lists every problem.</exception>
    public static (WorkflowDefinition Definition, IReadOnlyList<WorkflowDefinition> Uses, IReadOnlyList<WorkflowProblem> Warnings) Load(string path)
    {
        var (result, problems, catalog) = Check(path);
        if (problems.Count > 0)
        {
            throw CliException.Invalid(string.Join(Environment.NewLine, problems));
        }

        return (result.Require(), Uses(result.Require(), catalog), result.Warnings);
    }

    /// <summary>Finds the workflows that one uses, however far down.</summary>
    /// <param name="definition">The workflow; it does not run itself.</param>
    /// <param name="catalog">Where the others are found.</param>
    /// <returns>The others.</returns>
    public static IReadOnlyList<WorkflowDefinition> Uses(WorkflowDefinition definition, IWorkflowCatalog catalog)
    {
        var uses = new Dictionary<string, WorkflowDefinition>(StringComparer.Ordinal);
        Collect(definition, catalog, uses);
        return [.. uses.Values];
    }

    private static WorkflowDefinition? Find(FolderWorkflowCatalog catalog, string name)
    {
        try
        {
            return catalog.Find(name);
        }
        catch (WorkflowInvalidException)
        {
            // Its own file says so.
            return null;
        }
    }

    private static void Collect(WorkflowDefinition definition, IWorkflowCatalog catalog, Dictionary<string, WorkflowDefinition> uses)
    {
        foreach (var name in definition.SubWorkflows.Select(use => use.Workflow))
        {
            if (!uses.ContainsKey(name) && catalog.Find(name) is { } used)
            {
                uses.Add(name, used);
                Collect(used, catalog, uses);
            }
        }
    }
}
