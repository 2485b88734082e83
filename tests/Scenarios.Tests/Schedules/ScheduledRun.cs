using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Polyphony.Activities;
using Polyphony.Activities.Schedules;
using Polyphony.Activities.Tools;
using Polyphony.Core.Client;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
using Polyphony.Core.Runs;
using Polyphony.Engine;
using Polyphony.Engine.Simulation;

namespace Polyphony.Scenarios.Tests.Schedules;

/// <summary>
/// Schedules as shipped, under a seed: engine, orchestration, activity and keeper in one thread, with a clock that skips. The catalog is the test's, and changes as files do; a host that is down is one whose engine
/// runs on with everything of schedules turned off, or is crashed by the simulation.
/// </summary>
internal sealed class ScheduledRun
{
    /// <summary>The orchestration of a schedule ends after so many looks, so that tests meet the change to the next instance.</summary>
    public const int LooksPerInstance = 5;

    private readonly SeededSimulation _simulation;
    private readonly Dictionary<string, WorkflowDefinition> _files = new(StringComparer.Ordinal);

    private ScheduledRun(SeededSimulation simulation)
    {
        _simulation = simulation;
        Catalog = new Files(_files);
    }

    public IWorkflowCatalog Catalog { get; }

    public SkippingClock Clock => _simulation.Clock;

    public DurableClient Durable => _simulation.Client;

    /// <summary>Gets a client on the stores of the running engine.</summary>
    public WorkflowClient Client => new(_simulation.Client, Catalog, _simulation.Definitions, _simulation.Payloads);

    public ScheduleClient Schedules => new(Client, Clock);

    /// <summary>Gets or sets a value indicating whether the host starts what is due.</summary>
    public bool IsOn { get; set; } = true;

    /// <summary>Runs a test.</summary>
    public static SimulationResult Run(SimulationOptions options, Func<ScheduledRun, Task> body)
    {
        ScheduledRun? run = null;
        return SeededSimulation.Run(
            options,
            (simulation, engine, registry) =>
            {
                run ??= new ScheduledRun(simulation);
                run.Register(engine, registry);
            },
            simulation => body(run!));
    }

    public static DateTimeOffset Time(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);

    public static SimulationOptions From(string start) => new() { Seed = 1, Start = Time(start) };

    /// <summary>Writes a file: a workflow that takes any input, with a schedule.</summary>
    public void Write(string schedule, string name = "w", string node = "1") =>
        _files[name] = TestHost.Parse($"name: {name}\ninput: {{}}\nnodes: {{ a: {{ transform: {node} }} }}\noutput: \"{{{{ input }}}}\"\nschedule: {schedule}");

    public void Delete(string name = "w") => _files.Remove(name);

    /// <summary>Does what a host does every few seconds; tries again over crashes, as the next host would.</summary>
    public Task KeepAsync(ScheduleKeeper? keeper = null) => SimulatedCalls.UntilTakenAsync(() => (keeper ?? NewKeeper()).KeepAsync(CancellationToken.None));

    public ScheduleKeeper NewKeeper() => new(Client, Clock);

    /// <summary>Lets time pass with a host that keeps the schedules.</summary>
    public async Task PassAsync(TimeSpan time, TimeSpan? every = null)
    {
        var end = Clock.GetUtcNow() + time;
        while (Clock.GetUtcNow() < end)
        {
            await KeepAsync();
            await Task.Delay(every ?? TimeSpan.FromMinutes(5), Clock);
        }

        await KeepAsync();
    }

    /// <summary>Lists what was started, by id.</summary>
    public async Task<IReadOnlyList<string>> StartedAsync()
    {
        var page = await Durable.QueryAsync(new OrchestrationQuery { Name = TaskNames.WorkflowOrchestration, PageSize = OrchestrationQuery.MaxPageSize });
        return [.. page.Instances.Select(instance => instance.InstanceId).Order(StringComparer.Ordinal)];
    }

    /// <summary>Lists the instances of schedules that are not finished.</summary>
    public async Task<IReadOnlyList<string>> KeptAsync() =>
        [.. (await Durable.QueryAsync(new OrchestrationQuery { Name = TaskNames.ScheduleOrchestration })).Instances.Where(instance => !instance.IsFinished).Select(instance => instance.InstanceId)];

    private void Register(EmbeddedEngine engine, DurableRegistry registry)
    {
        new PolyphonyActivities(
            new ActivitiesOptions(), engine.Payloads, engine.Ledger, engine.Definitions, new TestModels(), new ToolRegistry(), Clock, NullLoggerFactory.Instance).Register(registry);
        registry.AddWorkflows(engine.Definitions, new InterpreterOptions { LooksPerInstance = LooksPerInstance });
        registry.AddActivity(TaskNames.StartDue, async (context, input) =>
        {
            var registered = new ScheduleActivity(() => Client, IsOn, Clock, NullLoggerFactory.Instance).Register(new DurableRegistry());
            return await registered.Activities[TaskNames.StartDue](context, input);
        });
    }

    private sealed class Files(Dictionary<string, WorkflowDefinition> files) : IWorkflowCatalog
    {
        public WorkflowDefinition? Find(string name) => files.GetValueOrDefault(name);

        public IReadOnlyList<WorkflowDefinition> List() => [.. files.Values];
    }
}
