using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Polyphony.Core.Graph;
using Polyphony.Expressions;

namespace Polyphony.Core.Definitions.Parsing;

/// <summary>
/// Writes a workflow as canonical JSON: one text for all ways to write the same thing. Keys stand in the order of the model, defaults are left out, agents and models are
/// sorted by name, edges are written out one by one. Nodes and edges keep their order, which means something, and so do schemas and values.
/// </summary>
internal static class CanonicalWriter
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Write(WorkflowReader workflow, WorkflowGraph graph, IReadOnlyDictionary<ValueTemplate, JsonElement> values)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, Options))
        {
            new Writing(writer, values).Workflow(workflow, graph);
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private sealed class Writing(Utf8JsonWriter writer, IReadOnlyDictionary<ValueTemplate, JsonElement> values)
    {
        public void Workflow(WorkflowReader workflow, WorkflowGraph graph)
        {
            writer.WriteStartObject();
            Text("name", workflow.Name);
            if (workflow.Version != 1)
                writer.WriteNumber("version", workflow.Version);

            Text("description", workflow.Description);
            Json("input", workflow.Input?.Json);
            Limits(workflow.Limits);
            Named("models", workflow.Models, Model);
            Named("agents", workflow.Agents, Agent);
            writer.WriteStartObject("nodes");
            foreach (var node in graph.Nodes)
            {
                writer.WriteStartObject(node.Name);
                Kind(node);
                Common(node);
                writer.WriteEndObject();
            }

            writer.WriteEndObject();
            writer.WriteStartArray("edges");
            foreach (var edge in graph.Edges)
                Edge(edge.Definition);

            writer.WriteEndArray();
            if (workflow.Termination is not null)
            {
                writer.WritePropertyName("termination");
                Termination(workflow.Termination);
            }

            Value("output", workflow.Output);
            writer.WriteEndObject();
        }

        private void Named<T>(string key, SortedDictionary<string, T> entries, Action<T> write)
        {
            if (entries.Count == 0)
                return;

            writer.WriteStartObject(key);
            foreach (var (name, entry) in entries)
            {
                writer.WriteStartObject(name);
                write(entry);
                writer.WriteEndObject();
            }

            writer.WriteEndObject();
        }

        private void Limits(WorkflowLimits? limits)
        {
            if (limits is null || limits == new WorkflowLimits())
                return;

            writer.WriteStartObject("limits");
            if (limits.IsMaxConcurrencyGiven)
                writer.WriteNumber("maxConcurrency", limits.MaxConcurrency);

            Number("maxTurns", limits.MaxTurns);
            Number("maxTokens", limits.MaxTokens);
            if (limits.MaxCostUsd is { } cost)
                writer.WriteNumber("maxCostUsd", (double)cost);

            Time("timeout", limits.Timeout);
            writer.WriteEndObject();
        }

        private void Model(ModelDefinition model)
        {
            Text("provider", model.Provider);
            Text("model", model.Model);
            Text("endpoint", model.Endpoint?.OriginalString);
            Text("apiKeyVariable", model.ApiKeyVariable);
            Text("apiVersion", model.ApiVersion);
            Dialect(model.Dialect);
            if (model.Temperature is { } temperature)
                writer.WriteNumber("temperature", temperature);

            Number("maxOutputTokens", model.MaxOutputTokens);
            Number("requestsPerMinute", model.RequestsPerMinute);
            Number("tokensPerMinute", model.TokensPerMinute);
            Texts("fallback", model.Fallback);
        }

        private void Dialect(ModelDialect? dialect)
        {
            if (dialect is null or { IsNameAlone: true })
            {
                Text("dialect", dialect?.Name);
                return;
            }

            writer.WriteStartObject("dialect");
            Text("name", dialect.Name);
            Text("structuredOutput", dialect.StructuredOutput);
            Flag("strictSchemas", dialect.StrictSchemas);
            Text("tokenLimit", dialect.TokenLimit);
            Text("roles", dialect.Roles);
            Flag("systemRole", dialect.SystemRole);
            Flag("names", dialect.Names);
            writer.WriteEndObject();
        }

        private void Flag(string name, bool? value)
        {
            if (value is { } flag)
                writer.WriteBoolean(name, flag);
        }

        private void Agent(AgentDefinition agent)
        {
            Text("model", agent.Model);
            Text("instructions", agent.Instructions?.Text);
            Json("output", agent.Output?.Json);
            Texts("tools", agent.Tools);
            if (agent.MaxToolRounds != AgentDefinition.DefaultMaxToolRounds)
                writer.WriteNumber("maxToolRounds", agent.MaxToolRounds);

            if (agent.Timeout != AgentDefinition.DefaultTimeout)
                Time("timeout", agent.Timeout);

            Retry(agent.Retry);
            if (agent.MaxWait != AgentDefinition.DefaultMaxWait)
                Time("maxWait", agent.MaxWait);

            if (agent.OnTruncation != TruncationPolicy.Keep)
                Truncation(agent.OnTruncation);

            if (agent.Context is null)
                return;

            writer.WriteStartArray("context");
            foreach (var filter in agent.Context)
            {
                writer.WriteStartObject();
                Text("from", filter.From);
                Number("first", filter.First);
                Number("last", filter.Last);
                Text("role", filter.Role);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        private void Retry(RetryDefinition? retry)
        {
            if (retry is null)
                return;

            var defaults = new RetryDefinition();
            writer.WriteStartObject("retry");
            if (retry.MaxAttempts != defaults.MaxAttempts)
                writer.WriteNumber("maxAttempts", retry.MaxAttempts);

            if (retry.FirstDelay != defaults.FirstDelay)
                Time("firstDelay", retry.FirstDelay);

            if (!retry.Backoff.Equals(defaults.Backoff))
                writer.WriteNumber("backoff", retry.Backoff);

            if (retry.MaxDelay != defaults.MaxDelay)
                Time("maxDelay", retry.MaxDelay);

            writer.WriteEndObject();
        }

        private void Kind(NodeDefinition node)
        {
            switch (node)
            {
                case AgentNode agent:
                    Text("agent", agent.Agent);
                    Text("prompt", agent.Prompt.Text);
                    Json("output", agent.Output?.Json);
                    Time("maxWait", agent.MaxWait);
                    Truncation(agent.OnTruncation);
                    break;
                case ToolNode tool:
                    Text("tool", tool.Tool);
                    Value("arguments", tool.Arguments);
                    break;
                case HumanNode human:
                    Human(human);
                    break;
                case WorkflowNode workflow:
                    Text("workflow", workflow.Workflow);
                    Value("input", workflow.Input);
                    Limits(workflow.Limits);
                    break;
                case WaitNode wait:
                    writer.WriteStartObject("wait");
                    Time("for", wait.For);
                    Text("until", wait.Until?.Text);
                    Text("event", wait.Event);
                    Json("schema", wait.Schema?.Json);
                    writer.WriteEndObject();
                    break;
                case TransformNode transform:
                    Value("transform", transform.Value);
                    break;
            }
        }

        private void Human(HumanNode human)
        {
            writer.WriteStartObject("human");
            Text("prompt", human.Prompt.Text);
            Json("schema", human.Schema?.Json);
            if (human.OnTimeout.Kind != HumanTimeoutKind.Fail)
            {
                // The timeout stands with the node; what follows it needs one there.
                writer.WriteStartObject("onTimeout");
                Value("value", human.OnTimeout.Value);
                Text("escalate", human.OnTimeout.Escalation?.Text);
                Time("timeout", human.OnTimeout.EscalationTimeout);
                writer.WriteEndObject();
            }

            Text("rejectWhen", human.RejectWhen?.Text);
            writer.WriteEndObject();
        }

        private void Common(NodeDefinition node)
        {
            Text("forEach", node.ForEach?.Text);
            if (node.Require is { Count: { } count })
                writer.WriteNumber("require", count);
            else if (node.Require is { Share: { } share })
                writer.WriteString("require", ((decimal)share * 100).ToString("0.#############", CultureInfo.InvariantCulture) + "%");

            if (node.ItemsPerActivity != 1)
                writer.WriteNumber("itemsPerActivity", node.ItemsPerActivity);

            switch (node.OnError.Kind)
            {
                case ErrorPolicyKind.Skip:
                    writer.WriteString("onError", "skip");
                    break;
                case ErrorPolicyKind.Value:
                    writer.WriteStartObject("onError");
                    Value("value", node.OnError.Value);
                    writer.WriteEndObject();
                    break;
                case ErrorPolicyKind.Agent:
                    writer.WriteStartObject("onError");
                    Text("agent", node.OnError.Agent);
                    writer.WriteEndObject();
                    break;
            }

            Time("timeout", node.Timeout);
            Retry(node.Retry);
            if (node.Join == JoinMode.Any)
                writer.WriteString("join", "any");
        }

        private void Edge(EdgeDefinition edge)
        {
            writer.WriteStartObject();
            Text("from", edge.From);
            Text("to", edge.To);
            Text("when", edge.When?.Text);
            Number("max", edge.Max);
            writer.WriteEndObject();
        }

        private void Termination(TerminationCondition condition)
        {
            writer.WriteStartObject();
            switch (condition)
            {
                case MaxMessagesTermination messages:
                    writer.WriteNumber("maxMessages", messages.Count);
                    break;
                case MaxTokensTermination tokens:
                    writer.WriteNumber("maxTokens", tokens.Count);
                    break;
                case TextMentionTermination mention:
                    Text("textMention", mention.Text);
                    Text("from", mention.From);
                    break;
                case TimeoutTermination timeout:
                    Time("timeout", timeout.After);
                    break;
                case HandoffTermination handoff:
                    Text("handoff", handoff.Target);
                    break;
                case ExpressionTermination expression:
                    Text("when", expression.When.Text);
                    break;
                case AnyTermination any:
                    Terminations("any", any.Conditions);
                    break;
                case AllTermination all:
                    Terminations("all", all.Conditions);
                    break;
            }

            writer.WriteEndObject();
        }

        private void Terminations(string key, IReadOnlyList<TerminationCondition> conditions)
        {
            writer.WriteStartArray(key);
            foreach (var condition in conditions)
                Termination(condition);

            writer.WriteEndArray();
        }

        private void Text(string key, string? text)
        {
            if (text is not null)
                writer.WriteString(key, text);
        }

        private void Texts(string key, IReadOnlyList<string> texts)
        {
            if (texts.Count == 0)
                return;

            writer.WriteStartArray(key);
            foreach (var text in texts)
                writer.WriteStringValue(text);

            writer.WriteEndArray();
        }

        private void Number(string key, long? number)
        {
            if (number is { } value)
                writer.WriteNumber(key, value);
        }

        private void Time(string key, TimeSpan? duration)
        {
            if (duration is { } value)
                writer.WriteString(key, Duration.Format(value));
        }

        private void Truncation(TruncationPolicy? policy)
        {
            if (policy is { } given)
                writer.WriteString("onTruncation", given == TruncationPolicy.Fail ? "fail" : "keep");
        }

        private void Json(string key, JsonElement? json)
        {
            if (json is not { } value)
                return;

            writer.WritePropertyName(key);
            value.WriteTo(writer);
        }

        private void Value(string key, ValueTemplate? template)
        {
            if (template is not null)
                Json(key, values[template]);
        }
    }
}
