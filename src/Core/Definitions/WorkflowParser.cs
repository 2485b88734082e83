using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Polyphony.Core.Definitions.Parsing;
using Polyphony.Core.Definitions.Sources;
using Polyphony.Core.Nodes;

namespace Polyphony.Core.Definitions;

/// <summary>
/// Makes workflow definitions of what readers have read (<see cref="JsonSource"/>, <see cref="YamlSource"/>, <see cref="WorkflowBuilder"/>), and reports
/// everything that is wrong at once, each problem with its place, a hint and a stable code. See docs/workflow-format.md. Thread-safe.
/// </summary>
internal static class WorkflowParser
{
    /// <summary>Parses and checks a workflow.</summary>
    /// <param name="root">The content of the file.</param>
    /// <param name="file">The file's name, for messages.</param>
    /// <returns>The workflow, or its problems; and warnings. Never throws for what the file says.</returns>
    public static WorkflowParseResult Parse(SourceNode root, string? file = null) => Parse(root, NodeKinds.All, file);

    /// <summary>Hashes a canonical JSON text.</summary>
    /// <param name="canonicalJson">The text.</param>
    /// <returns>The lower-case hex SHA-256 of its UTF-8 bytes.</returns>
    public static string Hash(string canonicalJson) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(canonicalJson)));

    /// <summary>Parses and checks a workflow that may have nodes of other kinds than the product's.</summary>
    internal static WorkflowParseResult Parse(SourceNode root, NodeKinds kinds, string? file = null) => Parse(root, file, kinds, canonicalJson: null, isChecked: false);

    internal static WorkflowDefinition FromCanonical(string canonicalJson, NodeKinds kinds)
    {
        SourceNode root;
        try
        {
            // The canonical form writes some things out, so that it may be a little deeper than the file was.
            using var document = JsonDocument.Parse(canonicalJson, new JsonDocumentOptions { MaxDepth = 4 * SourceLimits.MaxDepth });
            root = JsonSource.FromElement(document.RootElement);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or ArgumentException)
        {
            // Half of a surrogate pair: as an escape it throws the second when it is read, as it is the third when it is parsed.
            throw new WorkflowInvalidException([new WorkflowProblem("json_syntax", "", default, "not valid JSON: " + exception.Message)]);
        }

        return Parse(root, null, kinds, canonicalJson, isChecked: true).Require();
    }

    // With the canonical text given, the workflow was checked when it was pinned, and so were those that its subscriptions stand for: names and types are not checked again, so that it is quick,
    // and so that rules which become stricter don't stop an instance in flight.
    private static WorkflowParseResult Parse(SourceNode root, string? file, NodeKinds kinds, string? canonicalJson, bool isChecked)
    {
        var context = new ParseContext(file, kinds);
        if (root is not SourceMapping mapping)
        {
            context.Error("wrong_type", "", root.Location, $"a workflow file is an object, not {SourceValues.Describe(root)}", "Begin with a line such as: name: market-research");
            return Result(context, null);
        }

        if (!isChecked && TooDeep(root))
        {
            context.Error("too_deep", "", root.Location, $"arrays and objects are nested more than {SourceLimits.MaxDepth} deep", "Flatten the structure.");
            return Result(context, null);
        }

        var workflow = new WorkflowReader(context);
        workflow.Read(mapping);
        var reader = new GraphReader(context, workflow.Nodes, workflow.Edges, workflow.Termination is not null);
        reader.Analyse();
        var graph = reader.Build();
        if (!isChecked)
        {
            new ExpressionChecker(context, workflow, context.AreRoutesMissing ? null : graph).CheckAll();
            new NameChecker(context, workflow, graph).Check();
            new ScheduleChecker(context, workflow).Check();
            new StateChecker(context, workflow, graph).Check();
        }

        var subscriptions = Handlers.Make(context, workflow, each => Parse(each, file, kinds, canonicalJson: null, isChecked));
        if (context.Problems.Count > 0 || graph is null || workflow.Name is null)
        {
            return Result(context, null);
        }

        var canonical = canonicalJson ?? CanonicalWriter.Write(workflow, graph, context.Values);
        return Result(context, new WorkflowDefinition
        {
            Name = workflow.Name,
            Version = workflow.Version,
            Description = workflow.Description,
            Input = workflow.Input,
            TakesInput = workflow.Input is not null || context.Uses.Any(use => use.References.Any(reference => reference.Path[0] == "input")),
            Limits = workflow.Limits,
            Models = workflow.Models,
            Agents = workflow.Agents,
            Tools = workflow.Tools,
            Graph = graph,
            Termination = workflow.Termination,
            Output = workflow.Output,
            Subscriptions = subscriptions,
            State = [.. workflow.State.Values],
            Schedules = [.. workflow.Schedules.Select(draft => draft.Definition)],
            CanonicalJson = canonical,
            Hash = Hash(canonical),
        });
    }

    private static WorkflowParseResult Result(ParseContext context, WorkflowDefinition? definition) =>
        new(definition, ParseContext.Sorted(context.Problems), ParseContext.Sorted(context.Warnings), context.Locations);

    // Readers hold the limit themselves; trees built in code have not met one.
    private static bool TooDeep(SourceNode root)
    {
        var level = new List<SourceNode> { root };
        var values = 0;
        for (var depth = 1; level.Count > 0; depth++)
        {
            values += level.Count;
            if (depth > SourceLimits.MaxDepth || values > SourceLimits.MaxValues)
            {
                return true;
            }

            level = [.. level.SelectMany(node => node switch
            {
                SourceMapping mapping => mapping.Entries.Select(entry => entry.Value),
                SourceSequence sequence => sequence.Items,
                _ => [],
            })];
        }

        return false;
    }
}
