using System.Text.Json.Nodes;

namespace Polyphony.Core.Definitions;

/// <summary>Sets the optional parts of a node that asks a person.</summary>
public sealed class HumanNodeBuilder : NodeBuilder
{
    private readonly JsonObject _human;

    internal HumanNodeBuilder(JsonObject map, JsonObject human)
        : base(map) => _human = human;

    /// <summary>Sets the schema of the answer.</summary>
    /// <param name="schema">A JSON schema.</param>
    /// <returns>This builder.</returns>
    public HumanNodeBuilder Answer(JsonNode schema) => Set("schema", schema);

    /// <summary>Continues with a default answer after the node's timeout.</summary>
    /// <param name="value">The answer, JSON whose strings are templates.</param>
    /// <returns>This builder.</returns>
    public HumanNodeBuilder OnTimeoutValue(JsonNode? value) => Set("onTimeout", new JsonObject { ["value"] = value?.DeepClone() });

    /// <summary>Asks somebody else after the node's timeout.</summary>
    /// <param name="who">Who, a template.</param>
    /// <param name="timeout">How long the escalation waits; after it the node fails.</param>
    /// <returns>This builder.</returns>
    public HumanNodeBuilder OnTimeoutEscalate(string who, TimeSpan timeout) =>
        Set("onTimeout", new JsonObject { ["escalate"] = who, ["timeout"] = Duration.Format(timeout) });

    /// <summary>Ends the instance as <c>rejected</c> under a condition.</summary>
    /// <param name="condition">An expression over <c>answer</c>.</param>
    /// <returns>This builder.</returns>
    public HumanNodeBuilder RejectWhen(string condition) => Set("rejectWhen", condition);

    private HumanNodeBuilder Set(string key, JsonNode value)
    {
        WorkflowBuilder.Put(_human, key, value);
        return this;
    }
}
