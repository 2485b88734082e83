using System.Text.Json.Nodes;

namespace Polyphony.Core.Definitions;

/// <summary>Sets what any node may have. See <see cref="NodeDefinition"/> for defaults and ranges, which the parser checks.</summary>
public class NodeBuilder
{
    internal NodeBuilder(JsonObject map) => Map = map;

    /// <summary>Gets the node as in a file.</summary>
    private protected JsonObject Map { get; }

    /// <summary>Runs the node once per item of a list.</summary>
    /// <param name="list">A template that gives the list.</param>
    /// <returns>This builder.</returns>
    public NodeBuilder ForEach(string list) => Set("forEach", list);

    /// <summary>Sets how many items must succeed.</summary>
    /// <param name="count">The count.</param>
    /// <returns>This builder.</returns>
    public NodeBuilder Require(int count) => Set("require", count);

    /// <summary>Sets which share of the items must succeed.</summary>
    /// <param name="percent">The share in percent, above 0 and up to 100.</param>
    /// <returns>This builder.</returns>
    public NodeBuilder RequireShare(decimal percent) => Set("require", percent.ToString("0.#############", System.Globalization.CultureInfo.InvariantCulture) + "%");

    /// <summary>Lets up to so many items of a <see cref="ForEach"/> share one activity.</summary>
    /// <param name="count">1 to 50.</param>
    /// <returns>This builder.</returns>
    public NodeBuilder ItemsPerActivity(int count) => Set("itemsPerActivity", count);

    /// <summary>Counts the node as skipped when it has failed for good.</summary>
    /// <returns>This builder.</returns>
    public NodeBuilder OnErrorSkip() => Set("onError", "skip");

    /// <summary>Goes on with a value when the node has failed for good.</summary>
    /// <param name="value">The value, JSON whose texts are templates.</param>
    /// <returns>This builder.</returns>
    public NodeBuilder OnErrorValue(JsonNode? value) => Set("onError", new JsonObject { ["value"] = value?.DeepClone() });

    /// <summary>Asks another agent when the node's own has failed for good.</summary>
    /// <param name="agent">The agent's name.</param>
    /// <returns>This builder.</returns>
    public NodeBuilder OnErrorAgent(string agent) => Set("onError", new JsonObject { ["agent"] = agent });

    /// <summary>Limits how long an activation may take, attempts and waits included.</summary>
    /// <param name="timeout">The limit, in whole milliseconds.</param>
    /// <returns>This builder.</returns>
    public NodeBuilder Timeout(TimeSpan timeout) => Set("timeout", Duration.Format(timeout));

    /// <summary>Sets the retry policy.</summary>
    /// <param name="retry">The policy.</param>
    /// <returns>This builder.</returns>
    public NodeBuilder Retry(RetryDefinition retry) => Set("retry", WorkflowBuilder.Json(retry));

    /// <summary>Runs the node at the first incoming edge that is taken.</summary>
    /// <returns>This builder.</returns>
    public NodeBuilder JoinAny() => Set("join", "any");

    /// <summary>Sets the schema of the answer of an agent node, in place of the agent's.</summary>
    /// <param name="schema">A JSON schema.</param>
    /// <returns>This builder.</returns>
    public NodeBuilder OutputSchema(JsonNode schema) => Set("output", schema);

    /// <summary>Limits how long a call of an agent node waits for its model before a fallback of the model is asked.</summary>
    /// <param name="maxWait">The limit, in whole milliseconds.</param>
    /// <returns>This builder.</returns>
    public NodeBuilder MaxWait(TimeSpan maxWait) => Set("maxWait", Duration.Format(maxWait));

    /// <summary>Lets an agent node fail whose text was cut off at the token limit.</summary>
    /// <returns>This builder.</returns>
    public NodeBuilder FailOnTruncation() => Set("onTruncation", "fail");

    private NodeBuilder Set(string key, JsonNode value)
    {
        WorkflowBuilder.Put(Map, key, value);
        return this;
    }
}

/// <summary>Sets what a node may have that asks a person.</summary>
public sealed class HumanNodeBuilder : NodeBuilder
{
    private readonly JsonObject _human;

    internal HumanNodeBuilder(JsonObject map, JsonObject human)
        : base(map) => _human = human;

    /// <summary>Sets the schema of the answer.</summary>
    /// <param name="schema">A JSON schema.</param>
    /// <returns>This builder.</returns>
    public HumanNodeBuilder Answer(JsonNode schema) => Set("schema", schema);

    /// <summary>Goes on with a default answer after the node's timeout.</summary>
    /// <param name="value">The answer, JSON whose texts are templates.</param>
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
