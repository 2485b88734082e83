using Microsoft.Extensions.Logging.Abstractions;
using Polyphony.Activities.Schedules;
using Polyphony.Core.Client;
using Polyphony.Core.Durable;
using Polyphony.Core.Runs;
using Polyphony.Engine;
using Polyphony.Engine.Simulation;
using Polyphony.TestKit.Workflows;

namespace Polyphony.Scenarios.Tests.Schedules;

/// <summary>A host that is down for hours, on its data file.</summary>
[Trait("Row", "O15")]
public sealed class ScheduleRestartTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("polyphony-schedules-");
    private readonly SkippingClock _clock = new();

    public void Dispose() => _folder.Delete(recursive: true);

    /// <summary>It is up until 1:30 and from 5:30 on.</summary>
    [Theory]
    [InlineData("skip", "1 6")]
    [InlineData("one", "1 5 6")]
    [InlineData("all", "1 2 3 4 5 6")]
    [Trait("Row", "H9")]
    public async Task Restart_WithMissedDueTimes_StartsWhatThePolicySaysOnce(string policy, string hours)
    {
        using var hold = _clock.Hold();
        var catalog = new MapCatalog(TestHost.Parse($"name: w\nnodes: {{ a: {{ transform: 1 }} }}\nschedule: {{ cron: 0 * * * *, catchUp: {policy} }}"));
        await using (var host = await Host.StartAsync(Path.Combine(_folder.FullName, "data.db"), _clock, catalog))
        {
            await host.UntilDueNextAsync(1, _clock);
            _clock.Advance(TimeSpan.FromHours(1));
            await host.UntilDueNextAsync(2, _clock);
            _clock.Advance(TimeSpan.FromMinutes(30));
        }

        _clock.Advance(TimeSpan.FromHours(4));
        await using var next = await Host.StartAsync(Path.Combine(_folder.FullName, "data.db"), _clock, catalog);
        await next.UntilDueNextAsync(6, _clock);
        _clock.Advance(TimeSpan.FromMinutes(30));
        await next.UntilDueNextAsync(7, _clock);

        var started = await next.Client.Durable.QueryAsync(new OrchestrationQuery { Name = TaskNames.WorkflowOrchestration });
        Assert.Equal(hours.Split(' ').Select(hour => $"w.2026-01-01T0{hour}:00:00Z"), started.Instances.Select(instance => instance.InstanceId).Order(StringComparer.Ordinal));
    }

    private sealed class Host(EmbeddedEngine engine, WorkflowClient client) : IAsyncDisposable
    {
        public WorkflowClient Client => client;

        public static async Task<Host> StartAsync(string path, SkippingClock clock, MapCatalog catalog)
        {
            Host? host = null;
            var engine = await EmbeddedEngine.StartAsync(new EngineOptions { Path = path, TimeProvider = clock, OwnerNote = "test" }, (engine, registry) =>
            {
                host = new Host(engine, new WorkflowClient(engine.Client, catalog, engine.Definitions, engine.Payloads));
                registry.AddWorkflows(engine.Definitions, InterpreterOptions.InMemory);
                new ScheduleActivity(() => host.Client, isOn: true, clock, NullLoggerFactory.Instance).Register(registry);
            });
            await new ScheduleKeeper(host!.Client, clock).KeepAsync(TestContext.Current.CancellationToken);
            return host;
        }

        public async Task UntilDueNextAsync(int hour, SkippingClock clock)
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            while ((await new ScheduleClient(client).GetAsync("w", cancellationToken: limit.Token)).NextDue != ScheduledRun.Time($"2026-01-01T0{hour}:00:00Z"))
            {
                // What is due by now fires, which a clock on hold does not do by itself.
                clock.Advance(TimeSpan.Zero);
                await Task.Delay(5, limit.Token);
            }
        }

        public ValueTask DisposeAsync() => engine.DisposeAsync();
    }
}
