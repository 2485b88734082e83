using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Polyphony.Activities;
using Polyphony.Activities.Locks;
using Polyphony.Activities.Tools;
using Polyphony.Core.Client;
using Polyphony.Core.CodeFirst;
using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Sources;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;
using Polyphony.Core.Runs;
using Polyphony.Core.Topics;
using Polyphony.Engine;
using Polyphony.Engine.Simulation;
using Polyphony.TestKit.Workflows;

namespace Polyphony.Scenarios.Tests;

/// <summary>
/// The embedded host without its HTTP: engine in memory, clock that skips waits, interpreter and activities as shipped. Only the models are the test's.
/// </summary>
internal sealed class TestHost : IAsyncDisposable
{
    private readonly TestCatalog _catalog;

    private TestHost(EmbeddedEngine engine, SkippingClock clock, TestCatalog catalog, TestModels models, ToolRegistry tools, CodeWorkflows code)
    {
        Engine = engine;
        Clock = clock;
        _catalog = catalog;
        Models = models;
        Tools = tools;
        Client = new WorkflowClient(engine.Client, new CodeCatalog(code, catalog), engine.Definitions, engine.Payloads, ledger: engine.Ledger);
        Topics = new TopicClient(Client);
    }

    public EmbeddedEngine Engine { get; }

    public SkippingClock Clock { get; }

    public TestModels Models { get; }

    public ToolRegistry Tools { get; }

    public WorkflowClient Client { get; }

    public TopicClient Topics { get; }

    /// <summary>Starts a host. With <paramref name="agent"/>, that answers in place of the agent activity; otherwise the activity asks <see cref="Models"/>. <paramref name="prepare"/> gets the definition store before anybody else.</summary>
    public static async Task<TestHost> StartAsync(
        Func<AgentCall, CancellationToken, Task<AgentCallResult>>? agent = null,
        InterpreterOptions? interpreter = null,
        string? path = null,
        TestModels? models = null,
        ToolRegistry? tools = null,
        CodeWorkflows? code = null,
        Action<IDefinitionStore>? prepare = null)
    {
        var clock = new SkippingClock();
        var catalog = new TestCatalog();
        code ??= new CodeWorkflows();
        models ??= new TestModels();
        tools ??= new ToolRegistry();
        var options = (path is null ? EngineOptions.InMemory(clock) : new EngineOptions { Path = path, TimeProvider = clock }) with { OwnerNote = "test" };
        var engine = await EmbeddedEngine.StartAsync(options, (engine, registry) =>
        {
            prepare?.Invoke(engine.Definitions);
            var shipped = new PolyphonyActivities(
                new ActivitiesOptions(), engine.Payloads, engine.Ledger, engine.Definitions, models, tools, clock, NullLoggerFactory.Instance, new CodeCatalog(code, catalog))
                .Register(new DurableRegistry());
            foreach (var (name, function) in shipped.Activities)
            {
                registry.AddActivity(name, name == TaskNames.Agent && agent is not null ? Fake(agent) : function);
            }

            new LockActivity(() => engine.Client).Register(registry);
            registry.AddWorkflows(engine.Definitions, interpreter, code);
        });
        return new TestHost(engine, clock, catalog, models, tools, code);
    }

    public static WorkflowDefinition Parse(string yaml)
    {
        var read = YamlSource.Read(yaml);
        Assert.True(read.Root is not null, string.Join('\n', read.Problems));
        var parsed = WorkflowParser.Parse(read.Root);
        Assert.True(parsed.Definition is not null, string.Join('\n', parsed.Problems));
        return parsed.Definition;
    }

    public void AddWorkflow(string yaml) => _catalog.Add(Parse(yaml));

    public Task<string> StartAsync(string yaml, object? input = null, StartWorkflowOptions? options = null) => Client.StartAsync(Parse(yaml), Json(input), options);

    public async Task<WorkflowStatus> RunAsync(string yaml, object? input = null, StartWorkflowOptions? options = null) =>
        await WaitAsync(await StartAsync(yaml, input, options));

    public async Task<WorkflowStatus> WaitAsync(string id)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await Engine.Client.WaitForCompletionAsync(id, limit.Token);
        return (await Client.GetAsync(id, new WorkflowStatusOptions(Outcomes: true)))!;
    }

    /// <summary>Waits until the instance's status fulfils a condition.</summary>
    public async Task<WorkflowStatus> UntilAsync(string id, Func<WorkflowStatus, bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        long version = 0;
        var hasItemsInChildren = false;
        while (true)
        {
            await ChangeAsync();
            var status = (await Client.GetAsync(id))!;
            version = status.ChangeVersion;
            hasItemsInChildren = status.HasItemsInChildren;
            if (condition(status))
            {
                return status;
            }

            Assert.False(status.IsFinished, $"It ended as {status.RuntimeStatus} ({status.StopReason}, {status.Error}).");
        }

        // What children do changes the status without a change of the instance.
        async Task ChangeAsync()
        {
            using var look = CancellationTokenSource.CreateLinkedTokenSource(limit.Token);
            if (hasItemsInChildren)
            {
                look.CancelAfter(TimeSpan.FromMilliseconds(20));
            }

            try
            {
                await Engine.Client.WaitForChangeAsync(id, version, look.Token);
            }
            catch (OperationCanceledException) when (!limit.IsCancellationRequested)
            {
                // It is read again.
            }
        }
    }

    public ValueTask DisposeAsync() => Engine.DisposeAsync();

    public static JsonElement Json(object? value) => value switch
    {
        null => JsonElement.Parse("{}"u8),
        JsonElement json => json,
        _ => JsonSerializer.SerializeToElement(value),
    };

    private static ActivityFunction Fake(Func<AgentCall, CancellationToken, Task<AgentCallResult>> agent) => async (context, input) =>
    {
        var call = JsonSerializer.Deserialize(input!, CoreJsonContext.Default.AgentCall)!;
        return JsonSerializer.Serialize(await agent(call, context.CancellationToken), CoreJsonContext.Default.AgentCallResult);
    };

    private sealed class TestCatalog : IWorkflowCatalog
    {
        private readonly Dictionary<string, WorkflowDefinition> _definitions = new(StringComparer.Ordinal);

        public void Add(WorkflowDefinition definition) => _definitions[definition.Name] = definition;

        public WorkflowDefinition? Find(string name) => _definitions.GetValueOrDefault(name);

        public IReadOnlyList<WorkflowDefinition> List() => [.. _definitions.Values.OrderBy(definition => definition.Name, StringComparer.Ordinal)];
    }
}
