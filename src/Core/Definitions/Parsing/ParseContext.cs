using System.Text.Json;
using Polyphony.Core.Definitions.Sources;
using Polyphony.Core.Nodes;
using Polyphony.Expressions;

namespace Polyphony.Core.Definitions.Parsing;

/// <summary>What the parts of the parser share: the problems found so far, and the expressions whose names and types are checked at the end.</summary>
internal sealed class ParseContext(string? file, NodeKinds kinds)
{
    /// <summary>Gets the kinds of nodes that there are.</summary>
    public NodeKinds Kinds => kinds;

    public List<WorkflowProblem> Problems { get; } = [];

    public List<WorkflowProblem> Warnings { get; } = [];

    public Dictionary<string, SourceLocation> Locations { get; } = new(StringComparer.Ordinal);

    public List<ExpressionUse> Uses { get; } = [];

    /// <summary>Gets where nodes or agents are named by text.</summary>
    public List<(string Path, SourceLocation Location, string Name)> NameUses { get; } = [];

    /// <summary>Gets where agents are named.</summary>
    public List<(string Path, SourceLocation Location, string Name)> AgentUses { get; } = [];

    /// <summary>Gets the nodes that have their own edges, and where to: each is taken if the node's output names it in <c>next</c>. Known also of nodes with problems elsewhere.</summary>
    public Dictionary<string, IReadOnlyList<string>> Routes { get; } = new(StringComparer.Ordinal);

    /// <summary>Gets or sets a value indicating whether a node's own edges could not be read: then what is upstream of what is not known.</summary>
    public bool AreRoutesMissing { get; set; }

    /// <summary>Gets or sets a value indicating whether the workflow handles messages: its expressions may read <c>message</c>, its agents the conversation.</summary>
    public bool HandlesMessages { get; set; }

    /// <summary>Gets the names of the values of the state, also of those with problems.</summary>
    public HashSet<string> StateNames { get; } = new(StringComparer.Ordinal);

    /// <summary>Gets what nodes write to the state, also those with problems.</summary>
    public List<(string Node, string Name, string Path, SourceLocation Location)> StateWrites { get; } = [];

    /// <summary>Gets the values of templates as written, for the canonical form.</summary>
    public Dictionary<ValueTemplate, JsonElement> Values { get; } = new(ReferenceEqualityComparer.Instance);

    public void Error(string code, string path, SourceLocation at, string message, string? hint = null) =>
        Problems.Add(new WorkflowProblem(code, path, at, message, hint, file));

    public void Warn(string code, string path, SourceLocation at, string message, string? hint = null) =>
        Warnings.Add(new WorkflowProblem(code, path, at, message, hint, file));

    /// <summary>Adds a problem of an expression or a schema, whose messages are sentences, as the others are written.</summary>
    public void Foreign(string code, string path, SourceLocation at, string message, string? hint) =>
        Error(code, path, at, Inner(message), hint);

    /// <summary>Makes a sentence part of another.</summary>
    public static string Inner(string sentence)
    {
        var text = sentence.TrimEnd('.');
        return text.Length > 1 && char.IsUpper(text[0]) && (char.IsLower(text[1]) || text[1] == ' ') ? char.ToLowerInvariant(text[0]) + text[1..] : text;
    }

    /// <summary>Orders problems by their place; those without a place keep their order.</summary>
    public static IReadOnlyList<WorkflowProblem> Sorted(List<WorkflowProblem> problems) =>
        [.. problems.Distinct().OrderBy(problem => problem.Location.Line).ThenBy(problem => problem.Location.Column)];

    public static string Join(string path, string key) => path.Length == 0 ? key : path + "." + key;
}

/// <summary>Which variables an expression sees.</summary>
internal enum ExpressionPlace
{
    /// <summary>In a node, once per activation: with <c>item</c> and <c>index</c> if the node has a <c>forEach</c>.</summary>
    Node,

    /// <summary>A node's <c>forEach</c>: before there are items.</summary>
    ForEach,

    /// <summary>A node's <c>onError.value</c>: with <c>error</c>.</summary>
    OnError,

    /// <summary>What a node writes to the state: with <c>output</c>.</summary>
    Write,

    /// <summary>A person's answer: with <c>answer</c>.</summary>
    Answer,

    /// <summary>An edge; the node is its source.</summary>
    Edge,

    /// <summary>An agent's instructions, the same wherever it runs.</summary>
    Agent,

    /// <summary>The condition under which a tool call has to be approved: <c>args</c> alone; the tool's name stands in place of the node's.</summary>
    ToolCall,

    /// <summary>A termination condition.</summary>
    Termination,

    /// <summary>The request of a tool, whose name stands in place of the node's: with <c>args</c>, and nothing else.</summary>
    Tool,

    /// <summary>The output of the workflow.</summary>
    Output,

    /// <summary>The input that a schedule gives: before there is an instance.</summary>
    Schedule,
}

/// <summary>An expression, a template or a value with templates, to be checked once all nodes are known. Exactly one of the three is given.</summary>
internal sealed record ExpressionUse(ExpressionPlace Place, string? Node, string Path, SourceNode Source)
{
    public Expression? Expression { get; init; }

    public Template? Template { get; init; }

    public ValueTemplate? Value { get; init; }

    /// <summary>Gets the type that is needed, or <see langword="null"/> if any will do.</summary>
    public ExpressionType? Wanted { get; init; }

    public IReadOnlyList<ExpressionReference> References => Expression?.References ?? Template?.References ?? Value!.References;
}
