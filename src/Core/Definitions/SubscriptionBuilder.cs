using System.Text.Json.Nodes;

namespace Polyphony.Core.Definitions;

/// <summary>
/// Sets the optional parts of a subscription. See <see cref="SubscriptionDefinition"/> for defaults and ranges, which the parser checks. With <see cref="Agent"/> or <see cref="Workflow"/> those handle the
/// messages, otherwise the workflow's own nodes.
/// </summary>
public sealed class SubscriptionBuilder
{
    private readonly JsonObject _map;

    internal SubscriptionBuilder(JsonObject map) => _map = map;

    /// <summary>Limits the sources whose messages are wanted.</summary>
    /// <param name="prefix">What they begin with.</param>
    /// <returns>This builder.</returns>
    public SubscriptionBuilder SourcePrefix(string prefix) => Set("sourcePrefix", prefix);

    /// <summary>Lets an agent handle the messages. It remembers the conversation of the source.</summary>
    /// <param name="name">The agent.</param>
    /// <param name="prompt">What it is asked, a template; by default the message's data.</param>
    /// <param name="attach">The files that go with the prompt, JSON whose strings are templates; none by default.</param>
    /// <returns>This builder.</returns>
    public SubscriptionBuilder Agent(string name, string? prompt = null, JsonNode? attach = null)
    {
        WorkflowBuilder.Put(_map, "prompt", prompt);
        WorkflowBuilder.Put(_map, "attach", attach);
        return Set("agent", name);
    }

    /// <summary>Lets another workflow handle the messages.</summary>
    /// <param name="name">The workflow.</param>
    /// <param name="input">Its input, JSON whose strings are templates; by default the message's data.</param>
    /// <returns>This builder.</returns>
    public SubscriptionBuilder Workflow(string name, JsonNode? input = null)
    {
        WorkflowBuilder.Put(_map, "input", input);
        return Set("workflow", name);
    }

    /// <summary>Sets what the data of a message must fit, with an agent or another workflow; otherwise the input of the workflow says that.</summary>
    /// <param name="schema">A JSON schema.</param>
    /// <returns>This builder.</returns>
    public SubscriptionBuilder Schema(JsonNode schema) => Set("schema", schema);

    /// <summary>Publishes a message once the agent or the other workflow has answered. May be called up to 20 times.</summary>
    /// <param name="topic">The topic type.</param>
    /// <param name="data">What is published, JSON whose strings are templates; by default the answer.</param>
    /// <param name="source">The source, a template; by default that of the message that is handled.</param>
    /// <param name="when">The condition; <see langword="null"/> means always.</param>
    /// <param name="messageId">The message's id, a template; by default one that is the same on every attempt.</param>
    /// <returns>This builder.</returns>
    public SubscriptionBuilder Publish(string topic, JsonNode? data = null, string? source = null, string? when = null, string? messageId = null)
    {
        var message = new JsonObject { ["topic"] = topic };
        WorkflowBuilder.Put(message, "when", when);
        WorkflowBuilder.Put(message, "source", source);
        WorkflowBuilder.Put(message, "data", data);
        WorkflowBuilder.Put(message, "messageId", messageId);
        if (_map["publish"] is not JsonArray all)
        {
            _map["publish"] = all = [];
        }

        all.Add((JsonNode)message);
        return this;
    }

    /// <summary>Adds a value that is kept for each source, with an agent or another workflow: <see cref="Write"/>. Otherwise <see cref="WorkflowBuilder.State"/> does.</summary>
    /// <param name="name">Its name, which expressions read as <c>state.NAME</c>.</param>
    /// <param name="reducer">How writes are put together.</param>
    /// <param name="schema">What each write must fit, with <see cref="StateReducer.Append"/> each element; anything by default.</param>
    /// <param name="initial">The value before anything is written; by default that of the reducer.</param>
    /// <returns>This builder.</returns>
    public SubscriptionBuilder State(string name, StateReducer reducer, JsonObject? schema = null, JsonNode? initial = null) => SetIn("state", name, WorkflowBuilder.StateValue(reducer, schema, initial));

    /// <summary>Writes to a value of <see cref="State"/> once a message was handled.</summary>
    /// <param name="name">The value's name.</param>
    /// <param name="value">What is written, JSON whose strings are templates; they may read <c>output</c>.</param>
    /// <returns>This builder.</returns>
    public SubscriptionBuilder Write(string name, JsonNode? value) => SetIn("write", name, value?.DeepClone());

    /// <summary>Sets when a message is tried again whose run fails or runs out of time.</summary>
    /// <param name="retry">The policy.</param>
    /// <returns>This builder.</returns>
    public SubscriptionBuilder Retry(RetryDefinition retry) => Set("retry", WorkflowBuilder.Json(retry));

    /// <summary>Ends the state and the conversation of a source after a time without a message.</summary>
    /// <param name="time">The time, in whole milliseconds, from one second.</param>
    /// <returns>This builder.</returns>
    public SubscriptionBuilder Idle(TimeSpan time) => Set("idle", Duration.Format(time));

    /// <summary>Limits how many messages of the subscription are handled at the same time, of all sources and on all hosts together.</summary>
    /// <param name="count">1 to 1,000.</param>
    /// <returns>This builder.</returns>
    public SubscriptionBuilder MaxConcurrency(int count) => Set("maxConcurrency", count);

    /// <summary>Sets how many messages of the conversation are kept per source.</summary>
    /// <param name="count">An even number from 0 to 1,000.</param>
    /// <returns>This builder.</returns>
    public SubscriptionBuilder MaxMessages(int count) => Set("maxMessages", count);

    /// <summary>Summarises the older part of a long conversation.</summary>
    /// <param name="compaction">When, and by which agent.</param>
    /// <returns>This builder.</returns>
    public SubscriptionBuilder Compact(ConversationCompaction compaction) =>
        Set("compact", new JsonObject { ["agent"] = compaction.Agent, ["above"] = compaction.Above, ["keep"] = compaction.Keep });

    private SubscriptionBuilder Set(string key, JsonNode value)
    {
        WorkflowBuilder.Put(_map, key, value);
        return this;
    }

    private SubscriptionBuilder SetIn(string key, string name, JsonNode? value)
    {
        if (_map[key] is not JsonObject inner)
        {
            _map[key] = inner = [];
        }

        inner[name] = value;
        return this;
    }
}
