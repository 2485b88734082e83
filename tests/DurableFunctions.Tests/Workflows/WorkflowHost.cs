using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging.Abstractions;
using Polyphony.Activities;
using Polyphony.Activities.Locks;
using Polyphony.Activities.Providers;
using Polyphony.Activities.Providers.Offline;
using Polyphony.Activities.Schedules;
using Polyphony.Activities.Tools;
using Polyphony.Activities.Tools.Http;
using Polyphony.Activities.Tools.Servers;
using Polyphony.Activities.Workflows;
using Polyphony.Core.Client;
using Polyphony.Core.CodeFirst;
using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Sources;
using Polyphony.Core.Durable;
using Polyphony.Core.Ledger;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;
using Polyphony.DurableFunctions.Tests.Durable;
using Polyphony.DurableFunctions.Tests.Storage;
using Polyphony.DurableFunctions.Tests.TaskHubs;
using Polyphony.Engine;
using Polyphony.TestKit.Clocks;
using Polyphony.TestKit.Workflows;

namespace Polyphony.DurableFunctions.Tests.Workflows;

/// <summary>Interpreter and activities as shipped, with the offline model: on Durable Task by the adapters, or on the embedded engine.</summary>
internal sealed class WorkflowHost : IAsyncDisposable
{
    private static readonly FolderWorkflowCatalog Samples = new(Path.Combine(AppContext.BaseDirectory, "workflows"));

    private readonly IAsyncDisposable _owner;
    private readonly OverlaidCatalog _catalog;
    private readonly EndpointPolicy? _endpoints;

    private WorkflowHost(
        IAsyncDisposable owner, OverlaidCatalog catalog, DurableClient durable, IDefinitionStore definitions, IPayloadStore payloads, ILedger ledger, EndpointPolicy? endpoints = null)
    {
        _owner = owner;
        _catalog = catalog;
        _endpoints = endpoints;
        Definitions = definitions;
        Payloads = payloads;
        Ledger = ledger;
        Connect(durable);
    }

    /// <summary>A workflow in C#: loops, fans out, waits for a time and asks a person.</summary>
    private static readonly CodeWorkflows Code = new CodeWorkflows().Add<string[], string>(
        new WorkflowBuilder("in-code").Model("m", "offline").Agent("a", "m", "You answer.", agent => agent.Context()),
        async (workflow, words) =>
        {
            var said = await Task.WhenAll(words.Select(word => workflow.CallAgentAsync<string>("a", $"Say {word}. It is done.")));
            await workflow.Durable.CreateTimerAsync(workflow.Durable.CurrentUtcDateTime.AddMilliseconds(1));
            var last = await workflow.CallAgentAsync("a", "Say {{ said }}", new Dictionary<string, Payload>(StringComparer.Ordinal) { ["said"] = Payload.Inline(JsonSerializer.SerializeToElement(said)) });
            var answer = await workflow.AskAsync("sure", "Sure?");
            return $"{string.Join('|', said)} {(await workflow.ReadAsync(last)).GetString()} {await workflow.ReadAsync(answer)}";
        });

    /// <summary>Gets the workflows that can be started by name: those of samples/.</summary>
    public static IWorkflowCatalog Catalog => Samples;

    public DurableClient Durable { get; private set; }

    public IDefinitionStore Definitions { get; }

    public IPayloadStore Payloads { get; }

    public ILedger Ledger { get; }

    public WorkflowClient Client { get; private set; }

    /// <summary>Gets the clock by which activities look at their instance; on the embedded engine nobody looks.</summary>
    public FakeClock Looks { get; private init; } = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static Task<WorkflowHost> InMemoryAsync(InterpreterOptions? interpreter, IModelProvider? models = null, HostTools? tools = null) =>
        OnDurableTaskAsync(new InMemoryTaskHub(), DurableTaskHost.Stores.InMemory(), () => Task.CompletedTask, interpreter, models, tools);

    /// <summary>As the app is: histories on Azure Storage, all else on Blob Storage.</summary>
    public static Task<WorkflowHost> OnAzureStorageAsync(InterpreterOptions? interpreter, IModelProvider? models = null, HostTools? tools = null)
    {
        var container = TestContainer.Create();
        return OnDurableTaskAsync(AzureStorageTaskHub.Create(), container.OpenStores(), () => container.DisposeAsync().AsTask(), interpreter, models, tools);
    }

    public static async Task<WorkflowHost> EmbeddedAsync(InterpreterOptions? interpreter = null)
    {
        WorkflowHost? host = null;
        var catalog = new OverlaidCatalog();
        var engine = await EmbeddedEngine.StartAsync(
            EngineOptions.InMemory(TimeProvider.System) with { OwnerNote = "test" },
            (engine, registry) => Register(registry, catalog, () => host!.Client, engine.Payloads, engine.Ledger, engine.Definitions, interpreter));
        return host = new WorkflowHost(engine, catalog, engine.Client, engine.Definitions, engine.Payloads, engine.Ledger);
    }

    /// <summary>Starts a workflow: a sample by its name, or the text of a file.</summary>
    public Task<string> StartAsync(string workflow, string input) =>
        Client.StartAsync(workflow.Contains('\n') ? Parse(workflow) : Client.Resolve(workflow), JsonElement.Parse(input), null, Token);

    /// <summary>Adds a workflow that others can name.</summary>
    public void Add(string workflow) => _catalog.Added.Add(Parse(workflow));

    /// <summary>Takes a workflow away that was added.</summary>
    public void Remove(string name) => _catalog.Added.RemoveAll(each => each.Name == name);

    public async Task<WorkflowStatus> WaitAsync(string id)
    {
        await Durable.WaitForCompletionAsync(id, Token);
        return (await Client.GetAsync(id, new WorkflowStatusOptions(Outcomes: true), Token))!;
    }

    public async Task<WorkflowStatus> UntilAsync(string id, Func<WorkflowStatus, bool> condition)
    {
        for (long version = 0; ;)
        {
            version = (await Durable.WaitForChangeAsync(id, version, Token))!.Version;
            var status = (await Client.GetAsync(id, null, Token))!;
            if (condition(status))
            {
                return status;
            }

            Assert.False(status.IsFinished, $"It ended as {status.RuntimeStatus}: {status.Error?.Message}");
        }
    }

    /// <summary>Ends the process as a crash would, and starts another; on Durable Task only.</summary>
    public async Task CrashAsync()
    {
        var host = (DurableTaskHost)_owner;
        await host.RestartAsync(crash: true);
        Connect(host.Client);
    }

    public ValueTask DisposeAsync() => _owner.DisposeAsync();

    [MemberNotNull(nameof(Durable), nameof(Client))]
    private void Connect(DurableClient durable)
    {
        Durable = durable;
        Client = new WorkflowClient(durable, new CodeCatalog(Code, _catalog), Definitions, Payloads, endpoints: _endpoints, ledger: Ledger);
    }

    private static async Task<WorkflowHost> OnDurableTaskAsync(
        ITaskHub hub, DurableTaskHost.Stores stores, Func<Task> whenDisposed, InterpreterOptions? interpreter, IModelProvider? models, HostTools? tools)
    {
        var registry = new DurableRegistry();
        WorkflowHost? made = null;
        var catalog = new OverlaidCatalog();
        Register(registry, catalog, () => made!.Client, stores.Payloads, stores.Ledger, stores.Definitions, interpreter, models, tools);
        var host = (DurableTaskHost)await DurableTaskHost.StartAsync(registry, hub, () => stores, whenDisposed);
        return made = new WorkflowHost(host, catalog, host.Client, stores.Definitions, stores.Payloads, stores.Ledger, tools?.Endpoints) { Looks = host.Looks };
    }

    private static void Register(
        DurableRegistry registry,
        OverlaidCatalog catalog,
        Func<WorkflowClient> client,
        IPayloadStore payloads,
        ILedger ledger,
        IDefinitionStore definitions,
        InterpreterOptions? interpreter,
        IModelProvider? models = null,
        HostTools? tools = null)
    {
        registry.AddWorkflows(definitions, interpreter, Code);
        new ScheduleActivity(client, isOn: true, TimeProvider.System, NullLoggerFactory.Instance).Register(registry);
        new LockActivity(() => client().Durable).Register(registry);
        new PolyphonyActivities(
            new ActivitiesOptions(),
            payloads,
            ledger,
            definitions,
            new ModelRegistry([models ?? new OfflineProvider()], new Dictionary<string, ModelDefinition>()),
            tools is null ? Tools() : Tools().Add(new HttpTools(new ToolHttpClient(), tools.Endpoints, TimeProvider.System), first: true).Add(tools.Servers, first: false),
            TimeProvider.System,
            NullLoggerFactory.Instance,
            new CodeCatalog(Code, catalog)).Register(registry);
    }

    /// <summary>The tools that every host has, one that gives back its argument, and one that loses its answers.</summary>
    private static ToolRegistry Tools() => new FileTools(null).Register(new ToolRegistry())
        .Add(AIFunctionFactory.Create((int amount) => $"refunded {amount}", "refund"))
        .Add(AIFunctionFactory.Create(string (int amount) => throw new IOException("reset"), "lossy"));

    private static WorkflowDefinition Parse(string yaml)
    {
        var read = YamlSource.Read(yaml);
        Assert.True(read.Root is not null, string.Join('\n', read.Problems));
        var parsed = WorkflowParser.Parse(read.Root);
        Assert.True(parsed.Definition is not null, string.Join('\n', parsed.Problems));
        return parsed.Definition;
    }

    /// <summary>The samples, and what a test adds.</summary>
    private sealed class OverlaidCatalog : IWorkflowCatalog
    {
        public List<WorkflowDefinition> Added { get; } = [];

        public WorkflowDefinition? Find(string name) => Added.Find(each => each.Name == name) ?? Samples.Find(name);

        public IReadOnlyList<WorkflowDefinition> List() => [.. Samples.List(), .. Added];
    }
}

/// <summary>Where the tools of a host come from.</summary>
/// <param name="Endpoints">What HTTP tools may call.</param>
/// <param name="Servers">The tool servers.</param>
internal sealed record HostTools(EndpointPolicy Endpoints, ToolServers Servers);
