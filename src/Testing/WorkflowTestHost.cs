using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Polyphony.Activities.Apps;
using Polyphony.Activities.Providers;
using Polyphony.Activities.Workflows;
using Polyphony.Core.Client;
using Polyphony.Core.Definitions;
using Polyphony.Core.Json;
using Polyphony.Engine.Simulation;
using Polyphony.Hosting;

namespace Polyphony.Testing;

/// <summary>
/// Runs workflows in tests: the engine in memory, every model answered by a script, people answered by a script, and a clock that jumps to the next timer when there is nothing else to do, so that waits of
/// days take no time. Everything else is as shipped: retry policies, timeouts, limits, schemas, the ledger.
/// </summary>
/// <example>
/// <code>
/// await using var host = await WorkflowTestHost.StartAsync(polyphony => polyphony.AddTool&lt;OrderTools&gt;());
/// host.Models.For("writer").Answers("first draft").Answers("better draft");
/// host.Models.For("critic").AnswersJson(new { score = 5 }).AnswersJson(new { score = 9 });
/// var run = await host.RunFileAsync("workflows/letter.yaml", new { topic = "tea" });
/// run.AssertCompleted().AssertOutput("better draft").AssertCalls("writer", 2);
/// </code>
/// </example>
public sealed class WorkflowTestHost : IAsyncDisposable
{
    private readonly IHost _host;

    private WorkflowTestHost(IHost host, ModelScript models, SkippingClock clock)
    {
        _host = host;
        Models = models;
        Clock = clock;
        Client = host.Services.GetRequiredService<WorkflowClient>();
    }

    /// <summary>Gets the script of the models.</summary>
    public ModelScript Models { get; }

    /// <summary>Gets the script of the people: who answers which question.</summary>
    public PeopleScript People { get; } = new();

    /// <summary>Gets the clock. It begins at <see cref="SkippingClock.DefaultStart"/>.</summary>
    public SkippingClock Clock { get; }

    /// <summary>Gets the client, for everything that this class does not offer.</summary>
    public WorkflowClient Client { get; }

    /// <summary>Gets the services, those of the test included.</summary>
    public IServiceProvider Services => _host.Services;

    /// <summary>Starts a host.</summary>
    /// <param name="configure">Adds workflows, tools and services, as the app does.</param>
    /// <param name="tools">Replaces tools, by name, with functions that return a result for the arguments. Tools of these names, of the app or built in, are not called.</param>
    /// <returns>The host.</returns>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">What was added is not valid; every problem is listed.</exception>
    public static async Task<WorkflowTestHost> StartAsync(Action<PolyphonyBuilder>? configure = null, IReadOnlyDictionary<string, Func<JsonElement, object?>>? tools = null)
    {
        var models = new ModelScript();
        var clock = new SkippingClock();
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Services.AddSingleton<TimeProvider>(clock);
        builder.Services.AddSingleton<IModelRegistry>(new ScriptedModels(models));
        var polyphony = builder.Services.AddPolyphony(options =>
        {
            options.InMemory = true;

            // The clock would jump from one due time to the next without end.
            options.RunSchedules = false;
        });
        configure?.Invoke(polyphony);
        Replace(polyphony, tools ?? new Dictionary<string, Func<JsonElement, object?>>(StringComparer.Ordinal));
        var host = builder.Build();
        await host.StartAsync();
        return new WorkflowTestHost(host, models, clock);
    }

    /// <summary>Runs a registered workflow to its end.</summary>
    /// <param name="workflow">Its name.</param>
    /// <param name="input">Its input, written with the web defaults of System.Text.Json.</param>
    /// <returns>The run.</returns>
    /// <exception cref="WorkflowNotFoundException">There is no such workflow.</exception>
    /// <exception cref="SchemaViolationException">The input does not fit the workflow's schema.</exception>
    public Task<WorkflowRunResult> RunAsync(string workflow, object? input = null) => RunAsync(Client.Resolve(workflow), input);

    /// <summary>Runs the workflow of a file to its end.</summary>
    /// <param name="path">The file.</param>
    /// <param name="input">Its input, written with the web defaults of System.Text.Json.</param>
    /// <returns>The run.</returns>
    /// <exception cref="WorkflowInvalidException">The file is not valid; every problem is listed.</exception>
    public Task<WorkflowRunResult> RunFileAsync(string path, object? input = null) => RunAsync(Load(path), input);

    /// <summary>Runs a workflow to its end.</summary>
    /// <param name="workflow">The workflow.</param>
    /// <param name="input">Its input, written with the web defaults of System.Text.Json.</param>
    /// <returns>The run.</returns>
    public async Task<WorkflowRunResult> RunAsync(WorkflowDefinition workflow, object? input = null)
    {
        var first = Models.Calls.Count;
        string id;

        // The clock stands while the question is not answered yet that the test has an answer for.
        using (var held = Clock.Hold())
        {
            id = await Client.StartAsync(workflow, ToJson(input));
            await People.AnswerAllAsync(Client, Clock, id, held);
        }

        return new WorkflowRunResult((await Client.GetAsync(id, new WorkflowStatusOptions(Outcomes: true)))!, [.. Models.Calls.Skip(first)]);
    }

    /// <summary>Runs one node of a file alone, with its models and tools scripted as always.</summary>
    /// <param name="path">The file.</param>
    /// <param name="node">The node.</param>
    /// <param name="outputs">The outputs of the nodes before it, by name: those that its expressions and its agent's context read.</param>
    /// <param name="input">The workflow's input.</param>
    /// <returns>The run; its output is the node's.</returns>
    /// <exception cref="WorkflowInvalidException">The node reads an output that is missing here, or the file is not valid.</exception>
    public async Task<WorkflowRunResult> RunNodeAsync(string path, string node, IReadOnlyDictionary<string, object?>? outputs = null, object? input = null)
    {
        outputs ??= new Dictionary<string, object?>(StringComparer.Ordinal);
        var alone = SingleNode.Of(Load(path), node, outputs);
        Models.SetGiven(outputs.ToDictionary(pair => pair.Key, pair => pair.Value as string ?? JsonSerializer.Serialize(pair.Value, JsonSerializerOptions.Web), StringComparer.Ordinal));
        try
        {
            return await RunAsync(alone, input);
        }
        finally
        {
            Models.SetGiven(new Dictionary<string, string>(StringComparer.Ordinal));
        }
    }

    /// <summary>Stops the host.</summary>
    /// <returns>A task that completes when it has stopped.</returns>
    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
    }

    internal static JsonElement ToJson(object? value) => value switch
    {
        null => JsonElement.Parse("{}"u8),
        JsonElement json => json,
        _ => JsonSerializer.SerializeToElement(value, JsonSerializerOptions.Web),
    };

    private static WorkflowDefinition Load(string path) => WorkflowFile.Load(path).Result.Require();

    private static void Replace(PolyphonyBuilder polyphony, IReadOnlyDictionary<string, Func<JsonElement, object?>> tools)
    {
        var fakes = tools.ToDictionary(tool => tool.Key, tool => new FakeTool(tool.Key, tool.Value), StringComparer.Ordinal);
        var replaced = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < polyphony.Services.Count; i++)
        {
            if (polyphony.Services[i] is { ImplementationFactory: { } make } own && own.ServiceType == typeof(AppTool))
            {
                // What a tool is called is known once it is made; that takes none of the app's services.
                using var provider = new ServiceCollection().BuildServiceProvider();
                if (fakes.TryGetValue(((AppTool)make(provider)).Function.Name, out var fake) && replaced.Add(fake.Name))
                {
                    polyphony.Services[i] = ServiceDescriptor.Singleton(new AppTool(fake, IsFake: true));
                }
            }
        }

        foreach (var fake in fakes.Values.Where(fake => !replaced.Contains(fake.Name)))
        {
            polyphony.Services.AddSingleton(new AppTool(fake, IsFake: true));
        }
    }

    /// <summary>A tool that takes anything.</summary>
    private sealed class FakeTool(string name, Func<JsonElement, object?> answer) : AIFunction
    {
        public override string Name => name;

        public override JsonElement JsonSchema { get; } = JsonElement.Parse("{\"type\":\"object\"}"u8, JsonLimits.Document);

        protected override ValueTask<object?> InvokeCoreAsync(AIFunctionArguments arguments, CancellationToken cancellationToken) =>
            ValueTask.FromResult(answer(JsonSerializer.SerializeToElement(arguments.ToDictionary(argument => argument.Key, argument => argument.Value, StringComparer.Ordinal), JsonSerializerOptions.Web)));
    }
}
