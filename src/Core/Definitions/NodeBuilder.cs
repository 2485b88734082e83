using System.Text.Json.Nodes;

namespace Polyphony.Core.Definitions;

/// <summary>Sets the optional parts of any node. See <see cref="NodeDefinition"/> for defaults and ranges, which the parser checks.</summary>
public partial class NodeBuilder
{
    internal NodeBuilder(JsonObject map) => Map = map;

    /// <summary>Gets the node as in a file.</summary>
    private protected JsonObject Map { get; }

    /// <summary>Runs the node once per item of an array.</summary>
    /// <param name="list">A template that evaluates to the array.</param>
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

    /// <summary>Lets several items of a <see cref="ForEach"/> share one activity.</summary>
    /// <param name="count">The maximum number of items per activity: 1 to 50.</param>
    /// <returns>This builder.</returns>
    public NodeBuilder ItemsPerActivity(int count) => Set("itemsPerActivity", count);

    /// <summary>Counts the node as skipped when it has failed for good.</summary>
    /// <returns>This builder.</returns>
    public NodeBuilder OnErrorSkip() => Set("onError", "skip");

    /// <summary>Continues with a value when the node has failed for good.</summary>
    /// <param name="value">The value, JSON whose strings are templates.</param>
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

    /// <summary>Lets an activation hold locks while it is at work: of all activations with the same lock, in whichever instance, one is at work at a time. Agent, router, team, tool and workflow nodes only.</summary>
    /// <param name="names">The names: 1 to 8 templates that give 1 to 128 characters each.</param>
    /// <returns>This builder.</returns>
    public NodeBuilder Lock(params string[] names) => Set("lock", names is [var name] ? name : new JsonArray([.. names.Select(each => JsonValue.Create(each))]));

    /// <summary>Runs the node at the first incoming edge that is taken.</summary>
    /// <returns>This builder.</returns>
    public NodeBuilder JoinAny() => Set("join", "any");

    /// <summary>Writes to a value of the state once an activation has completed.</summary>
    /// <param name="name">The value's name.</param>
    /// <param name="value">What is written, JSON whose strings are templates; they may read <c>output</c>.</param>
    /// <returns>This builder.</returns>
    public NodeBuilder Write(string name, JsonNode? value)
    {
        if (Map["write"] is not JsonObject writes)
        {
            Map["write"] = writes = [];
        }

        writes[name] = value?.DeepClone();
        return this;
    }

    private NodeBuilder Set(string key, JsonNode value)
    {
        WorkflowBuilder.Put(Map, key, value);
        return this;
    }
}
