using Polyphony.Core.Definitions;
using Polyphony.Expressions;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Core.Nodes.Routers;

/// <summary>Lets an agent choose which of several nodes run next. Its output is <c>{ next: [node, …], reason }</c>. The edges to those nodes are its own.</summary>
public sealed record RouterNode : NodeDefinition
{
    /// <summary>The maximum number of nodes that a router may choose from.</summary>
    public const int MostRoutes = 50;

    private JsonSchema? _answer;

    /// <summary>Gets the agent that chooses.</summary>
    public required string Agent { get; init; }

    /// <summary>Gets the prompt, sent as the user message.</summary>
    public required Template Prompt { get; init; }

    /// <summary>Gets the nodes to choose from, in order, each with a description for the agent (possibly empty): 2 to <see cref="MostRoutes"/>.</summary>
    public required IReadOnlyList<Route> Routes { get; init; }

    /// <summary>Gets the node that runs if the agent names none; <see langword="null"/> if it must name one.</summary>
    public string? Fallback { get; init; }

    /// <summary>Gets the maximum number of nodes that the agent may name; 1 by default.</summary>
    public int AtMost { get; init; } = 1;

    internal override NodeKind Kind => RouterNodeKind.Instance;

    /// <summary>Gets the schema of the agent's answer.</summary>
    internal JsonSchema Answer => _answer ??= RouterAnswer.SchemaOf(this);
}

/// <summary>A node that a router may choose.</summary>
/// <param name="Node">Its name.</param>
/// <param name="About">The description that the agent sees.</param>
public sealed record Route(string Node, string? About);
