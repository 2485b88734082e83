using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging.Abstractions;
using Polyphony.Activities.Providers;
using Polyphony.Activities.Tools;
using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Sources;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;
using Polyphony.TestKit.Clocks;
using Polyphony.TestKit.Stores;

namespace Polyphony.Activities.Tests;

/// <summary>The activities over stores in memory, called as an engine calls them: by name, with JSON.</summary>
internal sealed class ActivityHarness
{
    /// <summary>A workflow with an agent for text, one for JSON, one with a tool, and a tool node.</summary>
    public const string Workflow = """
        name: sample
        input: { type: object, properties: { topic: { type: string } } }
        models:
          fast: { provider: offline, model: fast-1 }
        agents:
          writer: { model: fast, instructions: "You write about {{ input.topic }}.", timeout: 30s }
          critic:
            model: fast
            output: { type: object, required: [score], additionalProperties: false, properties: { score: { type: integer, minimum: 0, maximum: 10 } } }
          caller: { model: fast, tools: [add] }
        nodes:
          list: { transform: [1, 2] }
          draft: { agent: writer, prompt: "Write about {{ input.topic }}, round {{ round }}." }
          each: { agent: writer, forEach: "{{ nodes.list.output }}", prompt: "Item {{ item }} at {{ index }}" }
          review: { agent: critic, prompt: "Score: {{ nodes.draft.output }}" }
          count: { tool: { name: add, arguments: { a: 1, b: "{{ nodes.list.output.size() }}" } } }
          ask: { agent: caller, prompt: "What is 1 + 2?" }
        edges:
          - list -> draft -> each -> review -> count -> ask
        """;

    private readonly DurableRegistry _registry = new();

    public ActivityHarness(IChatClient model, Action<ToolRegistry>? tools = null, ActivitiesOptions? options = null, string workflow = Workflow, string provider = "offline")
    {
        Definition = WorkflowParser.Parse(YamlSource.Read(workflow).Root!).Require();
        _ = Definitions.SaveAsync(Definition.Hash, Definition.CanonicalJson);
        Ledger = new InMemoryLedger(Clock);
        var registry = new ToolRegistry();
        tools?.Invoke(registry);
        new PolyphonyActivities(
            options ?? new ActivitiesOptions(), Payloads, Ledger, Definitions, new ModelRegistry([new SingleModelProvider(provider, model)]), registry, Clock, NullLoggerFactory.Instance)
            .Register(_registry);
    }

    public WorkflowDefinition Definition { get; }

    public FakeClock Clock { get; } = new();

    public InMemoryPayloadStore Payloads { get; } = new();

    public InMemoryDefinitionStore Definitions { get; } = new();

    public InMemoryLedger Ledger { get; }

    public static JsonElement Json(string json) => JsonElement.Parse(json);

    public static Payload Inline(string json) => Payload.Inline(Json(json));

    public async Task<Payload> StoredAsync(string json)
    {
        var bytes = System.Text.Encoding.UTF8.GetBytes(json);
        return new Payload { Reference = PayloadReader.Describe(await Payloads.PutAsync("run-1", bytes), bytes.Length, Json(json)) };
    }

    public CallScope Scope(string node, string? activation = null) => new()
    {
        DefinitionHash = Definition.Hash,
        RootInstanceId = "run-1",
        InstanceId = "run-1",
        Node = node,
        Activation = activation ?? node,
        Input = Inline("""{"topic":"tests"}"""),
    };

    public AgentCall Call(string node = "draft", string agent = "writer") => new() { Scope = Scope(node), Agent = agent, Model = "fast" };

    public Task<AgentCallResult> AgentAsync(AgentCall call, CancellationToken cancellationToken = default) =>
        RunAsync(TaskNames.Agent, call, CoreJsonContext.Default.AgentCall, CoreJsonContext.Default.AgentCallResult, cancellationToken);

    public Task<ToolCallResult> ToolAsync(ToolCall call, CancellationToken cancellationToken = default) =>
        RunAsync(TaskNames.Tool, call, CoreJsonContext.Default.ToolCall, CoreJsonContext.Default.ToolCallResult, cancellationToken);

    public Task<EvaluateResult> EvaluateAsync(EvaluateCall call) =>
        RunAsync(TaskNames.Evaluate, call, CoreJsonContext.Default.EvaluateCall, CoreJsonContext.Default.EvaluateResult, default);

    public Task<Payload> PackAsync(PackCall call) => RunAsync(TaskNames.Pack, call, CoreJsonContext.Default.PackCall, CoreJsonContext.Default.Payload, default);

    public Task FailAsync(FailCall call) =>
        _registry.Activities[TaskNames.Fail](Context(TaskNames.Fail, default), JsonSerializer.Serialize(call, CoreJsonContext.Default.FailCall));

    public async Task<string> TextAsync(Payload? payload) => (await PayloadReader.ReadAsync(Payloads, payload!)).ToString();

    private static ActivityContext Context(string name, CancellationToken cancellationToken) =>
        new() { Name = name, InstanceId = "run-1", TaskId = 1, CancellationToken = cancellationToken };

    private async Task<TOutput> RunAsync<TInput, TOutput>(
        string name, TInput input, JsonTypeInfo<TInput> inputType, JsonTypeInfo<TOutput> outputType, CancellationToken cancellationToken) =>
        JsonSerializer.Deserialize((await _registry.Activities[name](Context(name, cancellationToken), JsonSerializer.Serialize(input, inputType)))!, outputType)!;

    private sealed class SingleModelProvider(string name, IChatClient client) : IModelProvider
    {
        public string Name => name;

        public IChatClient GetClient(ModelDefinition definition) => client;
    }
}
