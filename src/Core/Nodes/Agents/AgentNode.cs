using Polyphony.Core.Definitions;
using Polyphony.Expressions;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Core.Nodes.Agents;

/// <summary>Runs an agent.</summary>
public sealed record AgentNode : NodeDefinition
{
    /// <summary>Gets the agent's name.</summary>
    public required string Agent { get; init; }

    /// <summary>Gets the prompt, sent as the user message.</summary>
    public required Template Prompt { get; init; }

    /// <summary>
    /// Gets what is sent with the prompt: a file or an array of files, each <c>{ mediaType, data, name }</c> with <c>data</c> in base64, or a <c>data:</c> URI; <see langword="null"/> for nothing.
    /// </summary>
    public ValueTemplate? Attach { get; init; }

    /// <summary>Gets the schema of the answer in this node, in place of the agent's; <see langword="null"/> keeps the agent's.</summary>
    public JsonSchema? Output { get; init; }

    /// <summary>Gets <see cref="AgentDefinition.MaxWait"/> in this node; <see langword="null"/> keeps the agent's.</summary>
    public TimeSpan? MaxWait { get; init; }

    /// <summary>Gets <see cref="AgentDefinition.OnTruncation"/> in this node; <see langword="null"/> keeps the agent's.</summary>
    public TruncationPolicy? OnTruncation { get; init; }

    internal override NodeKind Kind => AgentNodeKind.Instance;
}
