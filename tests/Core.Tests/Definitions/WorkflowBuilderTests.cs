using System.Text.Json.Nodes;
using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Sources;

namespace Polyphony.Core.Tests.Definitions;

[Trait("Row", "O14")]
public sealed class WorkflowBuilderTests
{
    [Fact]
    public void Build_EverythingThereIs_GivesTheSameAsTheFile()
    {
        const string file = """
            {
              "name": "all", "version": 2, "description": "d", "input": { "type": "object" },
              "limits": { "maxConcurrency": 3, "maxModelCalls": 9, "maxTokens": 1000, "maxCostUsd": 1.5, "timeout": "1h" },
              "models": { "fast": { "provider": "openai", "model": "m", "endpoint": "https://example.com/v1", "apiKeyVariable": "KEY",
                "dialect": { "name": "vllm", "structuredOutput": "words", "strictSchemas": false, "tokenLimit": "max_tokens", "roles": "free", "systemRole": true, "names": false }, "temperature": 0.5,
                "maxOutputTokens": 100, "requestsPerMinute": 5, "tokensPerMinute": 6, "fallback": ["azure", "other"] },
                "azure": { "provider": "azure-openai", "model": "d", "apiVersion": "2025-04-01-preview", "dialect": "api-management" }, "other": { "provider": "offline" } },
              "agents": {
                "writer": { "model": "fast", "instructions": "i", "output": { "type": "object" }, "tools": ["search"], "maxToolRounds": 2, "timeout": "1m",
                  "retry": { "maxAttempts": 2, "firstDelay": "1s", "backoff": 3, "maxDelay": "10s" }, "context": [{ "from": "ask", "first": 1, "last": 2, "role": "user" }] },
                "other": { "model": "other", "context": [] } },
              "nodes": {
                "ask": { "human": { "prompt": "p", "schema": { "type": "object" }, "timeout": "1h", "onTimeout": { "escalate": "boss", "timeout": "2h" }, "rejectWhen": "answer.no == true" } },
                "ask2": { "human": { "prompt": "p", "onTimeout": { "value": { "x": 1 } } }, "timeout": "30m" },
                "write": { "agent": "writer", "prompt": "{{ item }}", "output": { "type": "array" }, "forEach": "{{ input.items }}", "require": 2, "itemsPerActivity": 5, "onError": { "agent": "other" },
                  "timeout": "5m", "retry": { "maxAttempts": 1 } },
                "look": { "tool": "search", "arguments": { "q": "{{ input.q }}" }, "onError": "skip" },
                "sub": { "workflow": "child", "input": { "a": 1 }, "limits": { "maxModelCalls": 3 }, "onError": { "value": null } },
                "pause": { "wait": "5s" },
                "until": { "wait": { "until": "2030-01-01T00:00:00Z" } },
                "event": { "wait": { "event": "go", "schema": { "type": "object" } }, "timeout": "1m" },
                "each": { "transform": "{{ item }}", "forEach": "{{ input.items }}", "require": "60%" },
                "end": { "transform": { "n": 1 }, "join": "any" } },
              "edges": ["ask -> ask2 -> write -> [look, sub] -> pause -> until -> event -> each -> end", { "from": "write", "to": "ask", "when": "round < 3", "max": 2 }, "look -> end"],
              "termination": { "any": [{ "maxMessages": 5 }, { "textMention": "DONE", "from": "writer" }] },
              "output": { "x": "{{ nodes.end.output }}" },
              "schedule": [{ "cron": "0 7 * * 1-5" }, { "name": "late", "cron": "30 0 22 * * *", "timeZone": "Europe/Berlin", "catchUp": "all", "input": { "items": ["{{ schedule.due }}"] } }]
            }
            """;

        var built = new WorkflowBuilder("all")
            .Version(2).Description("d").Input(JsonNode.Parse("""{ "type": "object" }""")!)
            .Limits(new WorkflowLimits { MaxConcurrency = 3, MaxModelCalls = 9, MaxTokens = 1000, MaxCostUsd = 1.5m, Timeout = TimeSpan.FromHours(1) })
            .Model(new ModelDefinition
            {
                Name = "fast",
                Provider = "openai",
                Model = "m",
                Endpoint = new Uri("https://example.com/v1"),
                ApiKeyVariable = "KEY",
                Dialect = new ModelDialect
                {
                    Name = "vllm",
                    StructuredOutput = ModelDialect.Words,
                    StrictSchemas = false,
                    TokenLimit = ModelDialect.MaxTokens,
                    Roles = ModelDialect.Free,
                    SystemRole = true,
                    Names = false,
                },
                Temperature = 0.5,
                MaxOutputTokens = 100,
                RequestsPerMinute = 5,
                TokensPerMinute = 6,
                Fallback = ["azure", "other"],
            })
            .Model(new ModelDefinition { Name = "azure", Provider = "azure-openai", Model = "d", ApiVersion = "2025-04-01-preview", Dialect = new ModelDialect { Name = "api-management" } })
            .Model("other", "offline")
            .Agent("writer", "fast", "i", agent => agent
                .Output(Object()).Tools("search").MaxToolRounds(2).Timeout(TimeSpan.FromMinutes(1))
                .Retry(new RetryDefinition { MaxAttempts = 2, FirstDelay = TimeSpan.FromSeconds(1), Backoff = 3, MaxDelay = TimeSpan.FromSeconds(10) })
                .Context(new MessageFilter { From = "ask", First = 1, Last = 2, Role = "user" }))
            .Agent("other", "other", configure: agent => agent.Context())
            .HumanNode("ask", "p", node => node.Answer(Object()).OnTimeoutEscalate("boss", TimeSpan.FromHours(2)).RejectWhen("answer.no == true").Timeout(TimeSpan.FromHours(1)))
            .HumanNode("ask2", "p", node => node.OnTimeoutValue(new JsonObject { ["x"] = 1 }).Timeout(TimeSpan.FromMinutes(30)))
            .AgentNode("write", "writer", "{{ item }}", node => node
                .OutputSchema(new JsonObject { ["type"] = "array" }).ForEach("{{ input.items }}").Require(2).ItemsPerActivity(5).OnErrorAgent("other").Timeout(TimeSpan.FromMinutes(5))
                .Retry(new RetryDefinition { MaxAttempts = 1 }))
            .ToolNode("look", "search", new JsonObject { ["q"] = "{{ input.q }}" }, node => node.OnErrorSkip())
            .WorkflowNode("sub", "child", new JsonObject { ["a"] = 1 }, new WorkflowLimits { MaxModelCalls = 3 }, node => node.OnErrorValue(null))
            .WaitNode("pause", TimeSpan.FromSeconds(5))
            .WaitUntilNode("until", "2030-01-01T00:00:00Z")
            .WaitEventNode("event", "go", Object(), node => node.Timeout(TimeSpan.FromMinutes(1)))
            .TransformNode("each", "{{ item }}", node => node.ForEach("{{ input.items }}").RequireShare(60))
            .TransformNode("end", new JsonObject { ["n"] = 1 }, node => node.JoinAny())
            .Edges("ask -> ask2 -> write -> [look, sub] -> pause -> until -> event -> each -> end")
            .Edge("write", "ask", "round < 3", 2)
            .Edges("look -> end")
            .Termination(JsonNode.Parse("""{ "any": [{ "maxMessages": 5 }, { "textMention": "DONE", "from": "writer" }] }""")!)
            .Output(new JsonObject { ["x"] = "{{ nodes.end.output }}" })
            .Schedule("0 7 * * 1-5")
            .Schedule("30 0 22 * * *", "Europe/Berlin", CatchUpPolicy.All, new JsonObject { ["items"] = new JsonArray("{{ schedule.due }}") }, "late")
            .Build();

        var read = WorkflowParser.Parse(JsonSource.Read(file).Root!).Require();
        Assert.Equal(read.CanonicalJson, built.CanonicalJson);
        Assert.Equal(read.Hash, built.Hash);
        Assert.Equal(read.CanonicalJson, WorkflowParser.Parse(JsonSource.Read(read.CanonicalJson).Root!).Require().CanonicalJson);
    }

    [Fact]
    [Trait("Row", "R3")]
    public void Subscriptions_WithEverything_GiveTheSameAsTheFile()
    {
        const string file = """
            name: desk
            input: { type: object }
            models: { m: { provider: offline } }
            agents: { clerk: { model: m }, scribe: { model: m } }
            subscriptions:
              clerk:
                topic: tickets
                sourcePrefix: eu-
                agent: clerk
                prompt: "{{ input.text }}"
                attach: "{{ input.file }}"
                schema: { type: object, properties: { text: { type: string }, file: {} } }
                publish:
                  - { topic: replies, when: "nodes.clerk.output != ''", source: "{{ message.source }}", data: { text: "{{ nodes.clerk.output }}" }, messageId: "{{ message.id }}" }
                  - { topic: log }
                state: { seen: sum, last: { reducer: replace, schema: { type: string }, initial: "" } }
                write: { seen: 1, last: "{{ output }}" }
                retry: { maxAttempts: 2, firstDelay: 1s, backoff: 3, maxDelay: 10s }
                idle: 30d
                maxConcurrency: 4
                maxMessages: 20
                compact: { agent: scribe, above: 2000, keep: 4 }
              other: { topic: tickets, workflow: other, input: { data: "{{ input }}" } }
              own: { topic: notes }
            nodes: { keep: { transform: "{{ input }}" } }
            """;
        var built = new WorkflowBuilder("desk").Input(Object())
            .Model("m", "offline").Agent("clerk", "m").Agent("scribe", "m")
            .Subscription("clerk", "tickets", subscription => subscription
                .SourcePrefix("eu-").Agent("clerk", "{{ input.text }}", "{{ input.file }}")
                .Schema(JsonNode.Parse("""{ "type": "object", "properties": { "text": { "type": "string" }, "file": {} } }""")!)
                .Publish("replies", new JsonObject { ["text"] = "{{ nodes.clerk.output }}" }, "{{ message.source }}", "nodes.clerk.output != ''", "{{ message.id }}").Publish("log")
                .State("seen", StateReducer.Sum).State("last", StateReducer.Replace, new JsonObject { ["type"] = "string" }, "").Write("seen", 1).Write("last", "{{ output }}")
                .Retry(new RetryDefinition { MaxAttempts = 2, FirstDelay = TimeSpan.FromSeconds(1), Backoff = 3, MaxDelay = TimeSpan.FromSeconds(10) })
                .Idle(TimeSpan.FromDays(30)).MaxConcurrency(4).MaxMessages(20).Compact(new ConversationCompaction("scribe", 2_000, 4)))
            .Subscription("other", "tickets", subscription => subscription.Workflow("other", new JsonObject { ["data"] = "{{ input }}" }))
            .Subscription("own", "notes")
            .TransformNode("keep", "{{ input }}")
            .Build();

        var read = WorkflowParser.Parse(YamlSource.Read(file).Root!).Require();
        Assert.Equal(read.CanonicalJson, built.CanonicalJson);
        Assert.Equal(read.CanonicalJson, WorkflowParser.Parse(JsonSource.Read(read.CanonicalJson).Root!).Require().CanonicalJson);
        Assert.Equal([4, null, null], built.Subscriptions.Select(each => each.MaxConcurrency));

        // The workflow that a short form stands for has the limit as well: it handles the messages.
        Assert.Equal(read.Subscriptions.Select(each => each.Handler?.Hash), built.Subscriptions.Select(each => each.Handler?.Hash));
        Assert.Equal(4, Assert.Single(built.Subscriptions[0].Handler!.Subscriptions).MaxConcurrency);
    }

    [Fact]
    public void Build_InvalidWorkflow_ThrowsWithEveryProblemByPath()
    {
        var builder = new WorkflowBuilder("bad").AgentNode("a", "nobody", "{{ inptu }}").Edge("a", "b");

        var exception = Assert.Throws<WorkflowInvalidException>(builder.Build);

        Assert.Equal(["unknown_node", "type_error", "unknown_agent"], exception.Problems.Select(problem => problem.Code));
        Assert.Contains("bad: nodes.a.prompt: there is no variable \"inptu\" here.", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Build_SameNodeTwice_IsAProblem() =>
        Assert.Equal("duplicate_key", Assert.Single(new WorkflowBuilder("t").TransformNode("a", 1).TransformNode("a", 2).Parse().Problems).Code);

    [Fact]
    public void Build_JsonValues_AreCopied()
    {
        var schema = Object();
        var builder = new WorkflowBuilder("t").Input(schema).TransformNode("a", 1);
        schema["required"] = new JsonArray("x");

        Assert.Equal("""{"type":"object"}""", builder.Build().Input!.Json.GetRawText());
    }

    private static JsonObject Object() => new() { ["type"] = "object" };

    [Fact]
    [Trait("Row", "O12")]
    public void HttpTool_WithEverything_IsThatOfAFile_AndStaysInTheCanonicalForm()
    {
        const string file = """
            name: t
            tools:
              look: { http: { url: "https://example.com/v1" } }
              order:
                description: Orders.
                parameters: { type: object, properties: { id: { type: string } } }
                idempotent: true
                http:
                  url: "https://example.com/v1/{{ args.id }}"
                  method: PUT
                  query: { a: 1 }
                  headers: { X-A: b }
                  body: { id: "{{ args.id }}" }
                  apiKeyVariable: KEY
                  apiKeyHeader: X-Key
                  timeout: 10s
                  maxBytes: 5
            nodes:
              x: { tool: order, arguments: { id: "1" } }
              y: { tool: look }
            """;
        var built = new WorkflowBuilder("t")
            .HttpTool("look", "https://example.com/v1", configure: http => http.Method("GET").MaxBytes(1024 * 1024))
            .HttpTool("order", "https://example.com/v1/{{ args.id }}", "Orders.", JsonNode.Parse("""{ "type": "object", "properties": { "id": { "type": "string" } } }""")!.AsObject(), http => http
                .Method("PUT").Query(new JsonObject { ["a"] = 1 }).Headers(new JsonObject { ["X-A"] = "b" }).Body(new JsonObject { ["id"] = "{{ args.id }}" })
                .ApiKey("KEY", "X-Key").Timeout(TimeSpan.FromSeconds(10)).MaxBytes(5).Idempotent())
            .ToolNode("x", "order", new JsonObject { ["id"] = "1" })
            .ToolNode("y", "look")
            .Build();

        var read = WorkflowParser.Parse(YamlSource.Read(file).Root!).Require();

        Assert.Equal(read.CanonicalJson, built.CanonicalJson);
        Assert.Contains("\"look\":{\"http\":{\"url\":\"https://example.com/v1\"}}", built.CanonicalJson, StringComparison.Ordinal);
        var again = (HttpToolDefinition)WorkflowDefinition.FromJson(built.CanonicalJson).Tools["order"];
        Assert.Equal(
            ("PUT", "KEY", "X-Key", TimeSpan.FromSeconds(10), 5, true, true),
            (again.Http.Method, again.Http.ApiKeyVariable, again.Http.ApiKeyHeader, again.Http.Timeout!.Value, again.Http.MaxBytes, again.IsIdempotent, ((HttpToolDefinition)read.Tools["look"]).IsIdempotent));
    }

    [Fact]
    [Trait("Row", "O12")]
    public void Tools_ThatRunWorkflowsOrAskPeople_AreThoseOfAFile_AndStayInTheCanonicalForm()
    {
        const string file = """
            name: t
            models: { m: { provider: offline } }
            tools:
              find: { description: Finds., workflow: search, limits: { maxModelCalls: 3, timeout: 1m } }
              plain: { workflow: search }
              ask:
                description: Asks.
                parameters: { type: object, properties: { text: { type: string } } }
                human: { prompt: "{{ args.text }}", schema: { type: string }, timeout: 1h, onTimeout: { value: "no" } }
              sign: { human: { prompt: Sign?, timeout: 2h, onTimeout: fail } }
              tell: { human: { prompt: Well? } }
            agents: { a: { model: m, tools: [find, plain, ask, sign, tell] } }
            nodes: { x: { agent: a, prompt: go } }
            """;
        var built = new WorkflowBuilder("t")
            .Model("m", "offline")
            .WorkflowTool("find", "search", "Finds.", new WorkflowLimits { MaxModelCalls = 3, Timeout = TimeSpan.FromMinutes(1) })
            .WorkflowTool("plain", "search")
            .HumanTool(
                "ask", "{{ args.text }}", "Asks.", JsonNode.Parse("""{ "type": "object", "properties": { "text": { "type": "string" } } }""")!.AsObject(),
                new JsonObject { ["type"] = "string" }, TimeSpan.FromHours(1), timeoutValue: "no")
            .HumanTool("sign", "Sign?", timeout: TimeSpan.FromHours(2), failOnTimeout: true)
            .HumanTool("tell", "Well?")
            .Agent("a", "m", configure: agent => agent.Tools("find", "plain", "ask", "sign", "tell"))
            .AgentNode("x", "a", "go")
            .Build();

        Assert.Equal(WorkflowParser.Parse(YamlSource.Read(file).Root!).Require().CanonicalJson, built.CanonicalJson);
        var again = WorkflowDefinition.FromJson(built.CanonicalJson);
        Assert.Equal(built.CanonicalJson, again.CanonicalJson);
        Assert.Equal(3, ((WorkflowToolDefinition)again.Tools["find"]).Limits!.MaxModelCalls);
        Assert.True(((HumanToolDefinition)again.Tools["sign"]).FailsOnTimeout);
    }
}
