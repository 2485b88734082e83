using Polyphony.Core.Definitions;
using Polyphony.Expressions;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Core.Nodes.Humans;

/// <summary>Asks a person. The answer comes as the event <c>answer:ACTIVATION</c>.</summary>
public sealed record HumanNode : NodeDefinition
{
    /// <summary>Gets the question.</summary>
    public required Template Prompt { get; init; }

    /// <summary>Gets the schema of the answer; <see langword="null"/> accepts anything.</summary>
    public JsonSchema? Schema { get; init; }

    /// <summary>Gets what happens when nobody has answered within <see cref="NodeDefinition.Timeout"/>.</summary>
    public HumanTimeoutPolicy OnTimeout { get; init; } = new(HumanTimeoutKind.Fail);

    /// <summary>Gets the condition over <c>answer</c> that ends the instance as <c>rejected</c>, or <see langword="null"/>.</summary>
    public Expression? RejectWhen { get; init; }

    internal override NodeKind Kind => HumanNodeKind.Instance;
}
