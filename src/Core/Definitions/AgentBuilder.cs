using System.Text.Json.Nodes;

namespace Polyphony.Core.Definitions;

/// <summary>Sets the optional parts of an agent. See <see cref="AgentDefinition"/> for defaults and ranges, which the parser checks.</summary>
public sealed class AgentBuilder
{
    private readonly JsonObject _map;

    internal AgentBuilder(JsonObject map) => _map = map;

    /// <summary>Sets the description of the agent: members and managers of a team choose by it.</summary>
    /// <param name="description">A sentence, at most <see cref="AgentDefinition.LongestDescription"/> characters.</param>
    /// <returns>This builder.</returns>
    public AgentBuilder Description(string description) => Set("description", description);

    /// <summary>Sets the schema of the answers.</summary>
    /// <param name="schema">A JSON schema.</param>
    /// <returns>This builder.</returns>
    public AgentBuilder Output(JsonNode schema) => Set("output", schema);

    /// <summary>Sets the schema of the answers to that of a type; objects accept only the members of the type.</summary>
    /// <typeparam name="T">The type, as the web defaults of System.Text.Json write it.</typeparam>
    /// <returns>This builder.</returns>
    public AgentBuilder Output<T>() => Output(CodeFirst.TypedJson.SchemaOf(typeof(T)));

    /// <summary>Names the tools that the agent may call.</summary>
    /// <param name="names">Their names.</param>
    /// <returns>This builder.</returns>
    public AgentBuilder Tools(params IEnumerable<string> names) => Set("tools", WorkflowBuilder.Texts(names));

    /// <summary>Adds a tool that the agent may call, and says something of its calls.</summary>
    /// <param name="name">The tool's name.</param>
    /// <param name="rules">Sets what is said.</param>
    /// <returns>This builder.</returns>
    public AgentBuilder Tool(string name, Action<ToolRulesBuilder> rules)
    {
        var tool = new JsonObject { ["name"] = name };
        rules(new ToolRulesBuilder(tool));
        if (_map["tools"] is not JsonArray tools)
        {
            _map["tools"] = tools = [];
        }

        tools.Add((JsonNode)tool);
        return this;
    }

    /// <summary>Limits the rounds of tool calls of an activation.</summary>
    /// <param name="rounds">1 to 100.</param>
    /// <returns>This builder.</returns>
    public AgentBuilder MaxToolRounds(int rounds) => Set("maxToolRounds", rounds);

    /// <summary>Limits how long one model call may take.</summary>
    /// <param name="timeout">The limit, in whole milliseconds.</param>
    /// <returns>This builder.</returns>
    public AgentBuilder Timeout(TimeSpan timeout) => Set("timeout", Duration.Format(timeout));

    /// <summary>Sets the retry policy.</summary>
    /// <param name="retry">The policy.</param>
    /// <returns>This builder.</returns>
    public AgentBuilder Retry(RetryDefinition retry) => Set("retry", WorkflowBuilder.Json(retry));

    /// <summary>Limits how long a call waits for its model before a fallback of the model is asked.</summary>
    /// <param name="maxWait">The limit, in whole milliseconds.</param>
    /// <returns>This builder.</returns>
    public AgentBuilder MaxWait(TimeSpan maxWait) => Set("maxWait", Duration.Format(maxWait));

    /// <summary>Fails a call whose answer is cut off at the token limit.</summary>
    /// <returns>This builder.</returns>
    public AgentBuilder FailOnTruncation() => Set("onTruncation", "fail");

    /// <summary>Chooses which earlier messages reach the model.</summary>
    /// <param name="filters">The filters; without any, no earlier message reaches the model.</param>
    /// <returns>This builder.</returns>
    public AgentBuilder Context(params IEnumerable<MessageFilter> filters)
    {
        var list = new JsonArray();
        foreach (var filter in filters)
        {
            var map = new JsonObject();
            WorkflowBuilder.Put(map, "from", filter.From);
            WorkflowBuilder.Put(map, "first", filter.First);
            WorkflowBuilder.Put(map, "last", filter.Last);
            WorkflowBuilder.Put(map, "role", filter.Role);
            list.Add((JsonNode)map);
        }

        return Set("context", list);
    }

    private AgentBuilder Set(string key, JsonNode value)
    {
        WorkflowBuilder.Put(_map, key, value);
        return this;
    }
}
