using Polyphony.Expressions;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Core.Definitions;

/// <summary>A tool that asks a person: the answer goes back to the model. Its expressions read <c>args</c>, the arguments of the call, and nothing else.</summary>
internal sealed record HumanToolDefinition : ParameterToolDefinition
{
    /// <summary>Gets the question.</summary>
    public required Template Prompt { get; init; }

    /// <summary>Gets the schema of the answer; <see langword="null"/> accepts anything.</summary>
    public JsonSchema? Schema { get; init; }

    /// <summary>Gets how long the call waits for a person; <see langword="null"/>: without limit.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Gets the answer that stands in when nobody has answered in time; <see langword="null"/>: there is none.</summary>
    public ValueTemplate? TimeoutValue { get; init; }

    /// <summary>Gets a value indicating whether the node fails when nobody has answered in time; otherwise the model reads that nobody has.</summary>
    public bool FailsOnTimeout { get; init; }
}
