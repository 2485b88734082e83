using System.Text.Json;
using Polyphony.Core.Definitions.Parsing;
using Polyphony.Core.Json;
using Polyphony.Core.Nodes;
using Polyphony.Expressions;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Core.Definitions;

/// <summary>Checks workflow nodes against the workflows that they name: that they exist, that the input fits, and that no workflow runs itself.</summary>
internal static class WorkflowLinks
{
    private const string RecursionCode = "workflow_recursion";
    private const string RecursionHint = "Use a loop, or forEach.";
    private const string NestedLockCode = "nested_lock";

    /// <summary>Determines whether a workflow, or one that it uses however far down, runs itself.</summary>
    /// <param name="definition">The workflow.</param>
    /// <param name="catalog">Where the others are found.</param>
    /// <returns>The problem, or <see langword="null"/>.</returns>
    public static WorkflowProblem? FindRecursion(WorkflowDefinition definition, IWorkflowCatalog catalog)
    {
        foreach (var use in definition.SubWorkflows)
        {
            if (FindCycle(definition.Name, use.Workflow, catalog) is { } cycle)
            {
                return new WorkflowProblem(RecursionCode, $"{use.Place}.workflow", default, Recursion(cycle), RecursionHint);
            }
        }

        return null;
    }

    /// <summary>Finds a node that holds a lock while a workflow runs below it that takes one as well: two such runs could wait for each other.</summary>
    /// <param name="definition">The workflow.</param>
    /// <param name="catalog">Where the others are found.</param>
    /// <returns>The problem, or <see langword="null"/>.</returns>
    public static WorkflowProblem? FindNestedLock(WorkflowDefinition definition, IWorkflowCatalog catalog)
    {
        var all = Reachable([definition.Name], name => name == definition.Name ? definition : Find(name, catalog)).Select(each => each.Definition).OfType<WorkflowDefinition>();
        return all.SelectMany(each => NestedLocks(each, catalog)).FirstOrDefault();
    }

    private static IEnumerable<WorkflowProblem> NestedLocks(WorkflowDefinition definition, IWorkflowCatalog catalog)
    {
        foreach (var node in definition.Graph.Nodes.Where(node => node.Lock is not null))
        {
            foreach (var use in definition.SubWorkflowsOf(node))
            {
                var found = Reachable([use.Workflow], name => Find(name, catalog))
                    .Select(each => (each.Name, Node: each.Definition?.Graph.Nodes.FirstOrDefault(inner => inner.Lock is not null)))
                    .FirstOrDefault(each => each.Node is not null);
                if (found.Node is not null)
                {
                    yield return new WorkflowProblem(
                        NestedLockCode,
                        $"nodes.{node.Name}.lock",
                        default,
                        $"the node \"{node.Name}\" of \"{definition.Name}\" holds a lock while \"{found.Name}\" runs, whose node \"{found.Node.Name}\" takes one as well: two runs could wait for each other",
                        "Take all locks in one of the two nodes.");
                }
            }
        }
    }

    /// <summary>Checks one workflow.</summary>
    /// <param name="parsed">The workflow as parsed.</param>
    /// <param name="catalog">Where the others are found.</param>
    /// <param name="file">The file's name, for messages.</param>
    /// <returns>Every problem; empty if all fits or the workflow itself is not valid.</returns>
    public static IReadOnlyList<WorkflowProblem> Check(WorkflowParseResult parsed, IWorkflowCatalog catalog, string? file = null)
    {
        if (parsed.Definition is not { } definition)
        {
            return [];
        }

        var problems = new List<WorkflowProblem>();
        JsonDocument? canonical = null;
        foreach (var use in definition.SubWorkflows)
        {
            var path = $"{use.Place}.workflow";
            if (FindCycle(definition.Name, use.Workflow, catalog) is { } cycle)
            {
                Add(RecursionCode, path, Recursion(cycle), RecursionHint);
                continue;
            }

            WorkflowDefinition? other;
            try
            {
                other = catalog.Find(use.Workflow);
            }
            catch (WorkflowInvalidException exception)
            {
                Add("invalid_workflow", path, $"the workflow \"{use.Workflow}\" is not valid: it has {exception.Problems.Count} problem(s)", "Validate its file.");
                continue;
            }

            if (other is null)
            {
                var known = catalog.List().Select(workflow => workflow.Name).ToArray();
                Add("unknown_workflow", path, $"there is no workflow \"{use.Workflow}\"", NearMatch.Hint(use.Workflow, known) ?? "Put its file into the folder of workflows.");
                continue;
            }

            if (use.IsTool)
            {
                CheckParameters(use, other);
                continue;
            }

            canonical ??= JsonDocument.Parse(definition.CanonicalJson, JsonLimits.Document);
            CheckInput(use, other, canonical);
        }

        canonical?.Dispose();
        foreach (var nested in NestedLocks(definition, catalog))
        {
            Add(nested.Code, nested.Path, nested.Message, nested.Hint!);
        }

        return problems;

        void Add(string code, string path, string message, string hint) =>
            problems.Add(new WorkflowProblem(code, path, parsed.Locations.GetValueOrDefault(path), message, hint, file));

        // What a model gives are members of an object.
        void CheckParameters(SubWorkflowUse use, WorkflowDefinition other)
        {
            var isObject = other.Input is { } schema ? schema.Json is { ValueKind: JsonValueKind.Object } json && json.TryGetProperty("type", out var type) && type.ValueEquals("object") : !other.TakesInput;
            if (!isObject)
            {
                Add("workflow_input", $"{use.Place}.workflow", $"the workflow \"{other.Name}\" does not say that its input is an object, so that a model does not know what to give it", $"Give {other.Name} an \"input\" with type: object.");
            }
        }

        void CheckInput(SubWorkflowUse use, WorkflowDefinition other, JsonDocument document)
        {
            var given = document.RootElement.GetProperty("nodes").GetProperty(use.Place["nodes.".Length..]).TryGetProperty("input", out var input);
            if (other.Input is not { } schema)
            {
                if (given && !other.TakesInput && input.ValueKind == JsonValueKind.Object && input.EnumerateObject().Any())
                {
                    Add("workflow_input", $"{use.Place}.input", $"the workflow \"{other.Name}\" takes no input", "Leave \"input\" out, or describe it in that workflow.");
                }

                return;
            }

            foreach (var violation in schema.Validate(given ? input : JsonElement.Parse("null"u8)))
            {
                if (given && IsTemplate(input, violation))
                {
                    continue;
                }

                var path = $"{use.Place}.{(given ? "input" : "workflow")}";
                var at = violation.Pointer.Length == 0 ? "" : violation.Pointer + ": ";
                Add("workflow_input", path, given
                    ? $"the input does not fit the workflow \"{other.Name}\": {at}{ParseContext.Inner(violation.Message)}"
                    : $"the workflow \"{other.Name}\" needs an input", $"See the input schema of {other.Name}.");
            }
        }
    }

    // What a template gives is known only in the run, and is checked there.
    private static bool IsTemplate(JsonElement input, SchemaViolation violation) =>
        JsonPointer.Find(input, violation.Pointer) is { ValueKind: JsonValueKind.String } text && text.GetString()!.Contains("{{", StringComparison.Ordinal);

    private static string Recursion(IReadOnlyList<string> cycle) => $"the workflow \"{cycle[0]}\" runs itself: {string.Join(" -> ", cycle)}";

    // Depth first over everything that can be reached: a cycle need not go through the workflow that is looked at. A workflow is left for good once all below it is
    // known to end, so each is looked at once.
    private static List<string>? FindCycle(string self, string first, IWorkflowCatalog catalog)
    {
        var path = new List<string> { self };
        var open = new Stack<IEnumerator<string>>([((IEnumerable<string>)[first]).GetEnumerator()]);
        var ended = new HashSet<string>(StringComparer.Ordinal);
        while (open.TryPeek(out var children))
        {
            if (!children.MoveNext())
            {
                open.Pop();
                ended.Add(path[^1]);
                path.RemoveAt(path.Count - 1);
            }
            else if (path.IndexOf(children.Current) is var start and >= 0)
            {
                return [.. path[start..], children.Current];
            }
            else if (!ended.Contains(children.Current))
            {
                path.Add(children.Current);
                open.Push(Children(children.Current, catalog).GetEnumerator());
            }
        }

        return null;
    }

    /// <summary>Lists workflows and all that they use, each once.</summary>
    private static IEnumerable<(string Name, WorkflowDefinition? Definition)> Reachable(IEnumerable<string> names, Func<string, WorkflowDefinition?> find)
    {
        var open = new Queue<string>(names);
        var seen = new HashSet<string>(open, StringComparer.Ordinal);
        while (open.TryDequeue(out var name))
        {
            var definition = find(name);
            yield return (name, definition);
            foreach (var use in definition?.SubWorkflows ?? [])
            {
                if (seen.Add(use.Workflow))
                {
                    open.Enqueue(use.Workflow);
                }
            }
        }
    }

    private static IEnumerable<string> Children(string name, IWorkflowCatalog catalog) =>
        [.. Find(name, catalog)?.SubWorkflows.Select(use => use.Workflow).Distinct(StringComparer.Ordinal) ?? []];

    private static WorkflowDefinition? Find(string name, IWorkflowCatalog catalog)
    {
        try
        {
            return catalog.Find(name);
        }
        catch (WorkflowInvalidException)
        {
            // Reported where it is named.
            return null;
        }
    }
}
