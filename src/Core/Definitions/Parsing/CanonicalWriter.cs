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
            new Writing(writer, new CanonicalText(writer, values)).Workflow(workflow, graph);
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private sealed class Writing(Utf8JsonWriter writer, CanonicalText text)
    {
        public void Workflow(WorkflowReader workflow, WorkflowGraph graph)
        {
            writer.WriteStartObject();
            text.Text("name", workflow.Name);
            if (workflow.Version != 1)
            {
                writer.WriteNumber("version", workflow.Version);
            }

            text.Text("description", workflow.Description);
            text.Json("input", workflow.Input?.Json);
            text.Limits(workflow.Limits);
            Named("models", workflow.Models, Model);
            Named("agents", workflow.Agents, Agent);
            Named("tools", workflow.Tools, Tool);
            Named("state", workflow.State, State);
            writer.WriteStartObject("nodes");
            foreach (var node in graph.Nodes)
            {
                writer.WriteStartObject(node.Name);
                node.Kind.Write(node, text);
                Common(node);
                writer.WriteEndObject();
            }

            writer.WriteEndObject();
            writer.WriteStartArray("edges");
            foreach (var edge in graph.Edges.Where(edge => !edge.Definition.IsRoute))
            {
                Edge(edge.Definition);
            }

            writer.WriteEndArray();
            text.Termination("termination", workflow.Termination);
            text.Value("output", workflow.Output);
            Named("subscriptions", workflow.Subscriptions, draft => draft.Definition.Name, Subscription);
            Schedules(workflow.Schedules);
            writer.WriteEndObject();
        }

        private void State(StateDefinition value)
        {
            text.Text("reducer", Runs.StateReducers.Name(value.Reducer));
            text.Json("schema", value.Schema?.Json);
            text.Json("initial", value.Initial);
        }

        private void Schedules(List<ScheduleDraft> schedules)
        {
            switch (schedules)
            {
                case []:
                    break;
                case [var one]:
                    writer.WritePropertyName("schedule");
                    Schedule(one.Definition);
                    break;
                default:
                    writer.WriteStartArray("schedule");
                    schedules.ForEach(draft => Schedule(draft.Definition));
                    writer.WriteEndArray();
                    break;
            }
        }

        private void Schedule(ScheduleDefinition schedule)
        {
            writer.WriteStartObject();
            text.Text("name", schedule.Name == ScheduleDefinition.DefaultName ? null : schedule.Name);
            text.Text("cron", schedule.Cron);
            text.Text("timeZone", schedule.TimeZone == ScheduleDefinition.DefaultTimeZone ? null : schedule.TimeZone);
            text.Text("catchUp", schedule.CatchUp == CatchUpPolicy.One ? null : schedule.CatchUp == CatchUpPolicy.All ? "all" : "skip");
            text.Value("input", schedule.Input);
            writer.WriteEndObject();
        }

        // What the short form holds beside these is written as it stands: it is read again where it stands for something.
        private void Subscription(SubscriptionDraft draft)
        {
            var subscription = draft.Definition;
            text.Text("topic", subscription.Topic);
            text.Text("sourcePrefix", subscription.SourcePrefix);
            foreach (var (key, value) in draft.Written)
            {
                text.Json(key, value);
            }

            text.Retry(subscription.Retry);
            text.Time("idle", subscription.Idle);
            text.Number("maxConcurrency", subscription.MaxConcurrency);
            if (subscription.MaxMessages != SubscriptionDefinition.DefaultMaxMessages)
            {
                writer.WriteNumber("maxMessages", subscription.MaxMessages);
            }

            text.Compaction(subscription.Compact);
        }

        private void Named<T>(string key, SortedDictionary<string, T> entries, Action<T> write) => Named(key, entries, entry => entry.Key, entry => write(entry.Value));

        private void Named<T>(string key, IReadOnlyCollection<T> entries, Func<T, string> nameOf, Action<T> write)
        {
            if (entries.Count == 0)
            {
                return;
            }

            writer.WriteStartObject(key);
            foreach (var entry in entries)
            {
                writer.WriteStartObject(nameOf(entry));
                write(entry);
                writer.WriteEndObject();
            }

            writer.WriteEndObject();
        }

        private void Model(ModelDefinition model)
        {
            text.Text("provider", model.Provider);
            text.Text("model", model.Model);
            text.Text("endpoint", model.Endpoint?.OriginalString);
            text.Text("apiKeyVariable", model.ApiKeyVariable);
            text.Text("apiVersion", model.ApiVersion);
            Dialect(model.Dialect);
            if (model.Temperature is { } temperature)
            {
                writer.WriteNumber("temperature", temperature);
            }

            text.Number("maxOutputTokens", model.MaxOutputTokens);
            text.Number("requestsPerMinute", model.RequestsPerMinute);
            text.Number("tokensPerMinute", model.TokensPerMinute);
            text.Texts("fallback", model.Fallback);
        }

        private void Dialect(ModelDialect? dialect)
        {
            if (dialect is null or { IsNameAlone: true })
            {
                text.Text("dialect", dialect?.Name);
                return;
            }

            writer.WriteStartObject("dialect");
            text.Text("name", dialect.Name);
            text.Text("structuredOutput", dialect.StructuredOutput);
            text.Flag("strictSchemas", dialect.StrictSchemas);
            text.Text("tokenLimit", dialect.TokenLimit);
            text.Text("roles", dialect.Roles);
            text.Flag("systemRole", dialect.SystemRole);
            text.Flag("names", dialect.Names);
            text.Flag("attachments", dialect.Attachments);
            writer.WriteEndObject();
        }

        private void Agent(AgentDefinition agent)
        {
            text.Text("model", agent.Model);
            text.Text("description", agent.Description);
            text.Text("instructions", agent.Instructions?.Text);
            text.Json("output", agent.Output?.Json);
            ToolRulesReader.WriteTools(agent, text);
            if (agent.MaxToolRounds != AgentDefinition.DefaultMaxToolRounds)
            {
                writer.WriteNumber("maxToolRounds", agent.MaxToolRounds);
            }

            if (agent.Timeout != AgentDefinition.DefaultTimeout)
            {
                text.Time("timeout", agent.Timeout);
            }

            text.Retry(agent.Retry);
            if (agent.MaxWait != AgentDefinition.DefaultMaxWait)
            {
                text.Time("maxWait", agent.MaxWait);
            }

            if (agent.OnTruncation != TruncationPolicy.Keep)
            {
                text.Truncation(agent.OnTruncation);
            }

            if (agent.Context is null)
            {
                return;
            }

            writer.WriteStartArray("context");
            foreach (var filter in agent.Context)
            {
                writer.WriteStartObject();
                text.Text("from", filter.From);
                text.Number("first", filter.First);
                text.Number("last", filter.Last);
                text.Text("role", filter.Role);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        private void Tool(ToolDefinition tool)
        {
            text.Text("description", tool.Description);
            text.Json("parameters", (tool as ParameterToolDefinition)?.Parameters?.Json);
            switch (tool)
            {
                case HttpToolDefinition http:
                    text.Flag("idempotent", http.Idempotent);
                    Http(http.Http);
                    break;
                case HumanToolDefinition human:
                    Human(human);
                    break;
                case WorkflowToolDefinition run:
                    text.Text("workflow", run.Workflow);
                    text.Limits(run.Limits);
                    break;
            }
        }

        private void Http(HttpToolRequest http)
        {
            writer.WriteStartObject("http");
            text.Text("method", http.Method == HttpToolRequest.DefaultMethod ? null : http.Method);
            text.Text("url", http.Url.Text);
            text.Value("query", http.Query);
            text.Value("headers", http.Headers);
            text.Value("body", http.Body);
            text.Text("apiKeyVariable", http.ApiKeyVariable);
            text.Text("apiKeyHeader", http.ApiKeyHeader);
            text.Time("timeout", http.Timeout);
            text.Number("maxBytes", http.MaxBytes == HttpToolRequest.DefaultMaxBytes ? null : http.MaxBytes);
            writer.WriteEndObject();
        }

        private void Human(HumanToolDefinition human)
        {
            writer.WriteStartObject("human");
            text.Text("prompt", human.Prompt.Text);
            text.Json("schema", human.Schema?.Json);
            text.Time("timeout", human.Timeout);
            text.Text("onTimeout", human.FailsOnTimeout ? "fail" : null);
            if (human.TimeoutValue is { } value)
            {
                writer.WriteStartObject("onTimeout");
                text.Value("value", value);
                writer.WriteEndObject();
            }

            writer.WriteEndObject();
        }

        private void Common(NodeDefinition node)
        {
            text.Text("forEach", node.ForEach?.Text);
            if (node.Require is { Count: { } count })
            {
                writer.WriteNumber("require", count);
            }
            else if (node.Require is { Share: { } share })
            {
                writer.WriteString("require", ((decimal)share * 100).ToString("0.#############", CultureInfo.InvariantCulture) + "%");
            }

            if (node.ItemsPerActivity != 1)
            {
                writer.WriteNumber("itemsPerActivity", node.ItemsPerActivity);
            }

            text.Value("lock", node.Lock);
            switch (node.OnError.Kind)
            {
                case ErrorPolicyKind.Skip:
                    writer.WriteString("onError", "skip");
                    break;
                case ErrorPolicyKind.Value:
                    writer.WriteStartObject("onError");
                    text.Value("value", node.OnError.Value);
                    writer.WriteEndObject();
                    break;
                case ErrorPolicyKind.Agent:
                    writer.WriteStartObject("onError");
                    text.Text("agent", node.OnError.Agent);
                    writer.WriteEndObject();
                    break;
            }

            text.Time("timeout", node.Timeout);
            text.Retry(node.Retry);
            if (node.Join == JoinMode.Any)
            {
                writer.WriteString("join", "any");
            }

            if (node.Writes.Count > 0)
            {
                writer.WriteStartObject("write");
                foreach (var write in node.Writes)
                {
                    text.Value(write.Name, write.Value);
                }

                writer.WriteEndObject();
            }
        }

        private void Edge(EdgeDefinition edge)
        {
            writer.WriteStartObject();
            text.Text("from", edge.From);
            text.Text("to", edge.To);
            text.Text("when", edge.When?.Text);
            text.Number("max", edge.Max);
            writer.WriteEndObject();
        }
    }
}
