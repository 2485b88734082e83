using System.Globalization;
using Polyphony.Core.Durable;
using Polyphony.Core.Durable.History;
using Polyphony.Engine.Simulation;

namespace Polyphony.Engine.Tests.Simulation;

/// <summary>A run that uses every call by which a client manages. A call that a crash left in doubt is repeated as a careful client would.</summary>
internal static class ManagementRun
{
    /// <summary>Worked out by hand from the code below.</summary>
    internal const string Expected = "event Completed 1 raised=1|rewind Completed ok|child Completed ok|parent Terminated bye|leaf Terminated |copy Completed 1 2|purged gone|definition {}";

    internal static DurableRegistry Registry(SeededSimulation run) => new DurableRegistry()
        .AddActivity("flaky", async (_, input) =>
        {
            // Whether it works is durable, so that a crash does not change it.
            await Task.Yield();
            return await run.Client.GetEntityStateAsync(new EntityId("switch", input!)) is null ? throw new InvalidOperationException("off") : "ok";
        })
        .AddEntity("switch", context =>
        {
            context.State = "on";
            return Task.FromResult<string?>(null);
        })
        .AddOrchestration("event", (context, _) => context.WaitForExternalEventAsync("go"))
        .AddOrchestration("echo", (_, input) => Task.FromResult(input))
        .AddOrchestration("flaky-child", (context, _) => context.CallActivityAsync("flaky", "s"))
        .AddOrchestration("flaky-parent", (context, _) => context.CallSubOrchestrationAsync("flaky-child", "child", null))
        .AddOrchestration("leaf", (context, _) => context.WaitForExternalEventAsync("never"))
        .AddOrchestration("parent", (context, _) => context.CallSubOrchestrationAsync("leaf", "leaf", null));

    internal static async Task<string> RunAsync(SeededSimulation run)
    {
        var client = run.Client;
        await StartAsync(client, "event", "event");
        await StartAsync(client, "flaky-parent", "rewind");
        await StartAsync(client, "parent", "parent");
        await StartAsync(client, "echo", "echo", "1 2");
        await SaveDefinitionAsync(run);

        await RepeatAsync(() => client.SuspendAsync("event"), _ => Task.FromResult(false));
        await RepeatAsync(() => client.RaiseEventAsync("event", "other", "1"), _ => Task.FromResult(true));
        await RepeatAsync(() => client.ResumeAsync("event"), _ => Task.FromResult(false));
        await RepeatAsync(() => client.RaiseEventAsync("event", "go", "1"), async _ => (await client.GetHistoryAsync("event")).Any(IsGo));

        await client.WaitForCompletionAsync("rewind");
        await RepeatAsync(() => client.SignalEntityAsync(new EntityId("switch", "s"), "on", null), _ => Task.FromResult(false));
        while (await client.GetEntityStateAsync(new EntityId("switch", "s")) is null)
        {
            await Task.Delay(TimeSpan.FromSeconds(1), run.Clock);
        }

        await RepeatAsync(() => client.RewindAsync("rewind"), async _ => (await client.GetAsync("rewind"))!.RuntimeStatus != OrchestrationRuntimeStatus.Failed);
        while (await client.GetAsync("leaf") is null)
        {
            await Task.Delay(TimeSpan.FromSeconds(1), run.Clock);
        }

        await RepeatAsync(() => client.TerminateAsync("parent", "bye"), async _ => (await client.GetAsync("parent"))!.IsFinished);
        await client.WaitForCompletionAsync("echo");
        await RepeatAsync(() => client.RestartAsync("echo", "copy"), async _ => await client.GetAsync("copy") is not null);
        await RepeatAsync(() => client.PurgeAsync("echo"), _ => Task.FromResult(false));

        var report = new List<string>();
        foreach (var id in new[] { "event", "rewind", "child", "parent", "leaf", "copy" })
        {
            var ended = await client.WaitForCompletionAsync(id);
            var raised = id == "event" ? $" raised={(await client.GetHistoryAsync(id)).Count(IsGo)}" : "";
            report.Add(string.Create(CultureInfo.InvariantCulture, $"{id} {ended.RuntimeStatus} {ended.Output}{raised}"));
        }

        report.Add($"purged {(await client.GetAsync("echo") is null ? "gone" : "still there")}");
        report.Add($"definition {run.Definitions.Find("h")}");
        return string.Join('|', report);
    }

    private static Task StartAsync(DurableClient client, string name, string id, string? input = null) =>
        client.StartAsync(name, input, new StartOrchestrationOptions { InstanceId = id });

    private static Task SaveDefinitionAsync(SeededSimulation run) => RepeatAsync(() => run.Definitions.SaveAsync("h", "{}"), _ => Task.FromResult(false));

    private static bool IsGo(HistoryEvent item) => item is EventRaised { Name: "go" };

    /// <summary>Repeats a call until it is known to be done.</summary>
    private static async Task RepeatAsync(Func<Task> call, Func<PolyphonyException, Task<bool>> isDone)
    {
        var doubt = false;
        while (true)
        {
            try
            {
                await call();
                return;
            }
            catch (PolyphonyException e) when (e.Code == "engine_stopped" || doubt)
            {
                await Task.Yield();
                if (await isDone(e))
                {
                    return;
                }

                if (e.Code != "engine_stopped")
                {
                    throw;
                }

                doubt = true;
            }
        }
    }
}
