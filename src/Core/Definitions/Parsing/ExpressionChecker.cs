using System.Text.Json;
using System.Text.RegularExpressions;
using Polyphony.Core.Definitions.Sources;
using Polyphony.Core.Graph;
using Polyphony.Core.Nodes;
using Polyphony.Expressions;
using Polyphony.Expressions.Evaluation;

namespace Polyphony.Core.Definitions.Parsing;

/// <summary>Checks names and types of all expressions once the graph is known: each sees what can have happened before it, and nothing else.</summary>
internal sealed class ExpressionChecker : IFileTypes
{
    private static readonly ExpressionType Error = Map(("code", ExpressionType.String), ("message", ExpressionType.String));
    private static readonly Dictionary<string, ExpressionType> OfSchedules = new(StringComparer.Ordinal)
    {
        ["workflow"] = Map(("name", ExpressionType.String)),
        ["schedule"] = Map(("name", ExpressionType.String), ("due", ExpressionType.String), ("date", ExpressionType.String), ("time", ExpressionType.String)),
    };

    private static readonly ExpressionType MessageType = Map(
        ("id", ExpressionType.String), ("topic", ExpressionType.String), ("source", ExpressionType.String), ("time", ExpressionType.String), ("attempt", ExpressionType.Int));

    private readonly ParseContext _context;
    private readonly WorkflowReader _workflow;
    private readonly WorkflowGraph? _graph;
    private readonly Dictionary<string, int> _index = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ExpressionType> _outputs = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ExpressionType> _items = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ExpressionType> _activations = new(StringComparer.Ordinal);
    private readonly ExpressionType _input;
    private readonly ExpressionType _state;

    /// <summary>Prepares the check.</summary>
    /// <param name="context">Receives the problems.</param>
    /// <param name="workflow">What was read.</param>
    /// <param name="graph">The graph; <see langword="null"/> if its shape has problems, and then what is upstream is not checked.</param>
    public ExpressionChecker(ParseContext context, WorkflowReader workflow, WorkflowGraph? graph)
    {
        _context = context;
        _workflow = workflow;
        _graph = graph;
        _input = workflow.Input?.ToExpressionType() ?? ExpressionType.Any;
        _state = ExpressionType.Object(context.StateNames.ToDictionary(name => name, name => StateType(workflow.State.GetValueOrDefault(name)), StringComparer.Ordinal));
        for (var i = 0; i < workflow.Nodes.Count; i++)
        {
            _index[workflow.Nodes[i].Name] = i;
        }

        // A node's type may depend on those before it. What a back edge brings from further down has no type yet and is taken for anything.
        foreach (var node in graph?.Order ?? [.. Enumerable.Range(0, workflow.Nodes.Count)])
        {
            if (workflow.Nodes[node].Definition is { } definition)
            {
                _outputs[definition.Name] = OutputType(definition);
            }
        }
    }

    public void CheckAll()
    {
        var instructions = _context.Uses.Where(use => use.Place == ExpressionPlace.Agent).ToLookup(use => use.Path, StringComparer.Ordinal);
        foreach (var use in _context.Uses.ToArray())
        {
            if (use.Place != ExpressionPlace.Agent)
            {
                Check(use);
            }
        }

        // Instructions are checked in every node where their agent runs.
        foreach (var agent in _workflow.Agents.Keys)
        {
            if (instructions[$"agents.{agent}.instructions"].FirstOrDefault() is not { } use)
            {
                continue;
            }

            foreach (var node in _workflow.Nodes.Where(node => node.Definition?.Asks(agent) == true))
            {
                Check(use with { Place = ExpressionPlace.Node, Node = node.Name });
            }
        }
    }

    ExpressionType IFileTypes.OfAgent(string agent) => AgentType(agent);

    ExpressionType IFileTypes.OfValue(ValueTemplate value, string node) => ValueType(value, ExpressionPlace.Node, node);

    private void Check(ExpressionUse use)
    {
        var scope = new ExpressionTypeScope(Variables(use, report: true));
        ExpressionType type;
        if (use.Value is not null)
        {
            var found = new List<(string Pointer, ExpressionProblem Problem)>();
            type = use.Value.Check(scope, found);
            foreach (var (pointer, problem) in found)
            {
                var (source, path) = SourceValues.Find(use.Source, use.Path, pointer);
                Report(path, source, problem);
            }
        }
        else
        {
            var found = new List<ExpressionProblem>();
            type = use.Template?.Check(scope, found) ?? use.Expression!.Check(scope, found);
            foreach (var problem in found)
            {
                Report(use.Path, use.Source, problem);
            }

            if (found.Count > 0)
            {
                return;
            }
        }

        if (use.Wanted is { } wanted && !type.CanBe(wanted))
        {
            var key = use.Path[(use.Path.LastIndexOf('.') + 1)..];
            _context.Error("type_error", use.Path, Start(use.Source), $"\"{key}\" must give {Kinds.WithArticle($"{wanted}")}, not {Kinds.WithArticle($"{type}")}", use.Place == ExpressionPlace.ForEach ? "Such as \"{{ input.items }}\"." : null);
        }
    }

    private void Report(string path, SourceNode source, ExpressionProblem problem) =>
        _context.Foreign("type_error", path, source is SourceScalar scalar ? scalar.LocationOf(problem.Offset) : source.Location, problem.Message, problem.Hint);

    private static SourceLocation Start(SourceNode source) => source is SourceScalar scalar ? scalar.LocationOf(0) : source.Location;

    private Dictionary<string, ExpressionType> Variables(ExpressionUse use, bool report)
    {
        if (use.Place == ExpressionPlace.Schedule)
        {
            return OfSchedules;
        }

        if (use.Place is ExpressionPlace.Tool or ExpressionPlace.ToolCall)
        {
            return new Dictionary<string, ExpressionType>(StringComparer.Ordinal) { ["args"] = ArgumentsOf(use.Node) };
        }

        var variables = new Dictionary<string, ExpressionType>(StringComparer.Ordinal)
        {
            ["input"] = _input,
            ["instance"] = Map(("id", ExpressionType.String)),
            ["workflow"] = Map(("name", ExpressionType.String)),
        };
        if (use.Place == ExpressionPlace.Termination)
        {
            var textOrNull = ExpressionType.Union(ExpressionType.String, ExpressionType.Null);
            variables["message"] = Map(
                ("node", ExpressionType.String), ("agent", textOrNull), ("text", ExpressionType.String), ("output", ExpressionType.Any), ("role", ExpressionType.String));
            variables["usage"] = Map(
                ("modelCalls", ExpressionType.Int), ("inputTokens", ExpressionType.Int), ("outputTokens", ExpressionType.Int), ("costUsd", ExpressionType.Number));
            return variables;
        }

        if (_context.HandlesMessages)
        {
            variables["message"] = MessageType;
        }

        if (_context.StateNames.Count > 0)
        {
            variables["state"] = _state;
        }

        variables["nodes"] = Nodes(use, report);
        if (use.Place == ExpressionPlace.Output)
        {
            return variables;
        }

        AddOwn(variables, use);
        return variables;
    }

    /// <summary>Adds what an expression reads of its own node.</summary>
    private void AddOwn(Dictionary<string, ExpressionType> variables, ExpressionUse use)
    {
        variables["round"] = ExpressionType.Int;
        if (use.Place is ExpressionPlace.Node or ExpressionPlace.OnError or ExpressionPlace.Write or ExpressionPlace.Answer && use.Node is { } node
            && (_items.ContainsKey(node) || _context.Locations.ContainsKey($"nodes.{node}.forEach")))
        {
            // A list that could not be read is reported itself; what its items are is then anybody's guess.
            variables["item"] = _items.GetValueOrDefault(node, ExpressionType.Any);
            variables["index"] = ExpressionType.Int;
        }

        if (use.Place == ExpressionPlace.OnError)
        {
            variables["error"] = Error;
        }
        else if (use.Place == ExpressionPlace.Write)
        {
            variables["output"] = use.Node is { } writer ? _activations.GetValueOrDefault(writer, ExpressionType.Any) : ExpressionType.Any;
        }
        else if (use.Place == ExpressionPlace.Answer)
        {
            variables["answer"] = use.Node is { } asking && Definition(asking) is { } definition ? definition.Kind.AnswerSchemaOf(definition)?.ToExpressionType() ?? ExpressionType.Any : ExpressionType.Any;
        }
    }

    // What a tool of the host takes is known where it is registered. A tool that could not be read is reported itself.
    private ExpressionType ArgumentsOf(string? name) =>
        name is not null && _workflow.Tools.GetValueOrDefault(name) is ParameterToolDefinition tool ? tool.Parameters?.ToExpressionType() ?? Map() : ExpressionType.Any;

    // Only the nodes that are read: a thousand nodes with a thousand expressions would be a million entries.
    private ExpressionType Nodes(ExpressionUse use, bool report)
    {
        var members = new Dictionary<string, ExpressionType>(StringComparer.Ordinal);
        var all = false;
        foreach (var reference in use.References)
        {
            if (reference.Path[0] != "nodes")
            {
                continue;
            }

            if (reference.Path.Count == 1)
            {
                all = true;
                continue;
            }

            var name = reference.Path[1];
            if (members.ContainsKey(name))
            {
                continue;
            }

            members[name] = NodeType(name);
            if (report)
            {
                CheckReadable(use, name);
            }
        }

        return ExpressionType.Object(members, all ? AnyNode() : null);
    }

    private void CheckReadable(ExpressionUse use, string name)
    {
        if (!_index.TryGetValue(name, out var node))
        {
            ReportReference(use, name, "unknown_node", $"there is no node \"{SourceValues.Shorten(name)}\"", NearMatch.Hint(name, _index.Keys) ?? "Nodes are named under \"nodes\".");
        }
        else if (use.Node is { } reader && _graph is not null && _index.TryGetValue(reader, out var at)
            && !_graph.IsUpstream(node, at) && !(use.Place == ExpressionPlace.Edge && node == at))
        {
            var what = use.Place == ExpressionPlace.Edge ? $"this edge from {reader}" : reader;
            ReportReference(use, name, "not_upstream", $"{name} has never finished before {what}: no edge leads from {name} to {reader}", $"Add an edge {name} -> {reader}, or read a node that comes before.");
        }
    }

    private void ReportReference(ExpressionUse use, string name, string code, string message, string hint)
    {
        // References don't say where they stand, so the text is searched; what only looks like one inside a quoted text is rare and harmless.
        var pattern = new Regex($@"\bnodes\s*(\.\s*{Regex.Escape(name)}\b|\[\s*[""']{Regex.Escape(name)}[""']\s*\])", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1));
        foreach (var (scalar, path) in Texts(use.Source, use.Path))
        {
            if (pattern.Match(scalar.Text) is { Success: true } match)
            {
                _context.Error(code, path, scalar.LocationOf(match.Index), message, hint);
                return;
            }
        }

        _context.Error(code, use.Path, Start(use.Source), message, hint);
    }

    private static IEnumerable<(SourceScalar Scalar, string Path)> Texts(SourceNode node, string path) => node switch
    {
        SourceScalar { Value: string } scalar => [(scalar, path)],
        SourceMapping mapping => mapping.Entries.SelectMany(entry => Texts(entry.Value, ParseContext.Join(path, entry.Key))),
        SourceSequence sequence => sequence.Items.SelectMany((item, i) => Texts(item, $"{path}[{i}]")),
        _ => [],
    };

    private NodeDefinition? Definition(string name) => _index.TryGetValue(name, out var node) ? _workflow.Nodes[node].Definition : null;

    private ExpressionType NodeType(string name) => NodeOf(_outputs.GetValueOrDefault(name, ExpressionType.Any));

    private static ExpressionType AnyNode() => NodeOf(ExpressionType.Any);

    // What was skipped or has failed has no output.
    private static ExpressionType NodeOf(ExpressionType output) => Map(
        ("output", ExpressionType.Union(output, ExpressionType.Null)),
        ("status", ExpressionType.String),
        ("error", ExpressionType.Union(Error, ExpressionType.Null)),
        ("errors", ExpressionType.ListOf(Map(("index", ExpressionType.Int), ("code", ExpressionType.String), ("message", ExpressionType.String)))));

    private ExpressionType OutputType(NodeDefinition node)
    {
        if (node.ForEach is { } list)
        {
            var use = new ExpressionUse(ExpressionPlace.ForEach, node.Name, "", new SourceMapping(default, [])) { Template = list };
            _items[node.Name] = list.Check(new ExpressionTypeScope(Variables(use, report: false)), new List<ExpressionProblem>()).ListElement() ?? ExpressionType.Any;
        }

        var output = node.Kind.OutputType(node, this);
        if (node.OnError.Agent is { } other)
        {
            output = ExpressionType.Union(output, AgentType(other));
        }

        if (node.OnError.Value is { } value)
        {
            output = ExpressionType.Union(output, ValueType(value, ExpressionPlace.OnError, node.Name));
        }

        _activations[node.Name] = output;
        return node.ForEach is null ? output : ExpressionType.ListOf(output);
    }

    private static ExpressionType StateType(StateDefinition? value)
    {
        var written = value?.Schema?.ToExpressionType() ?? ExpressionType.Any;
        var atFirst = value?.Initial is { ValueKind: not JsonValueKind.Null } ? [] : (IEnumerable<ExpressionType>)[ExpressionType.Null];
        return value?.Reducer switch
        {
            null => ExpressionType.Any,
            StateReducer.Append => ExpressionType.ListOf(written),
            StateReducer.Merge => value.Schema is null ? ExpressionType.AnyMap : written,
            StateReducer.Sum => value.Schema is null ? ExpressionType.Number : written,
            StateReducer.Replace => ExpressionType.Union([written, .. atFirst]),
            _ => ExpressionType.Union([value.Schema is null ? ExpressionType.Number : written, .. atFirst]),
        };
    }

    private ExpressionType AgentType(string name) =>
        _workflow.Agents.TryGetValue(name, out var agent) ? agent.Output?.ToExpressionType() ?? ExpressionType.String : ExpressionType.Any;

    private ExpressionType ValueType(ValueTemplate value, ExpressionPlace place, string node)
    {
        var use = new ExpressionUse(place, node, "", new SourceMapping(default, [])) { Value = value };
        return value.Check(new ExpressionTypeScope(Variables(use, report: false)), new List<(string, ExpressionProblem)>());
    }

    private static ExpressionType Map(params (string Name, ExpressionType Type)[] members) =>
        ExpressionType.Object(members.ToDictionary(member => member.Name, member => member.Type, StringComparer.Ordinal));
}
