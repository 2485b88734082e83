using System.Text;
using Polyphony.Core.Durable;
using Polyphony.Core.Durable.History;
using Polyphony.Core.Ledger;
using Polyphony.Engine.Simulation;

namespace Polyphony.Engine.Tests.Simulation;

/// <summary>A run that uses every operation of the durable ports, and what must be the same after it whatever crashed.</summary>
internal static class EverythingRun
{
    /// <summary>Worked out by hand from the code below.</summary>
    internal const string ExpectedOutput = "gen 2: a0,a1,a2|caught boom, cancelled|child of root got hello|5|news 7|late";

    internal static readonly EntityId Total = new("total", "t");

    private static readonly EntityId Relay = new("relay", "r");

    internal static DurableRegistry Registry(SeededSimulation run) => new DurableRegistry()
        .AddActivity("echo", async (_, input) =>
        {
            await Task.Delay(TimeSpan.FromMilliseconds(10), run.Clock);
            return input;
        })
        .AddActivity("idle", async (context, _) =>
        {
            await Task.Delay(TimeSpan.FromDays(2), run.Clock, context.CancellationToken);
            return null;
        })
        .AddActivity("boom", (_, _) => throw new InvalidOperationException("boom"))
        .AddActivity("spend", async (context, input) =>
        {
            var step = $"{context.InstanceId}/{context.TaskId}";
            var entry = await run.Ledger.BeginAsync(new LedgerRequest(step, context.InstanceId, "agent", "model", "hash"));
            var answer = entry.Answer ?? await run.Ledger.CompleteAsync(step, new LedgerAnswer { Content = input!, InputTokens = 1, OutputTokens = 2, CostUsd = 0.5m });
            return await run.Payloads.PutAsync(context.InstanceId, Encoding.UTF8.GetBytes(answer.Content));
        })
        .AddEntity("total", async context =>
        {
            await Task.Yield();
            if (context.Operation == "add")
            {
                context.State = (int.Parse(context.State ?? "0") + int.Parse(context.Input!)).ToString();
            }

            return context.State;
        })
        .AddEntity("relay", context =>
        {
            context.State = (int.Parse(context.State ?? "0") + 1).ToString();
            context.SignalEntity(Total, "add", "100");
            context.SignalEntity(Total, "add", "1000", context.CurrentUtcDateTime.AddSeconds(5));
            context.StartOrchestration("side", "side", "side-1");
            context.SendEvent("root", "news", context.Input);
            return Task.FromResult<string?>(null);
        })
        .AddOrchestration("side", async (context, input) =>
        {
            context.SignalEntity(Total, "add", "10000");
            await context.CreateTimerAsync(context.CurrentUtcDateTime.AddMinutes(1));
            return input;
        })
        .AddOrchestration("child", async (context, input) =>
        {
            context.SendEvent(context.Parent!.InstanceId, "late", "late");
            var echoed = await context.CallActivityAsync("echo", input);
            await context.CallEntityAsync(Total, "add", "10");
            return $"child of {context.Parent.InstanceId} got {echoed}";
        })
        .AddOrchestration("root", RootAsync);

    /// <summary>Starts the run and waits for its end; returns all that must not depend on crashes.</summary>
    internal static async Task<string> RunAsync(SeededSimulation run)
    {
        await run.Client.StartAsync("root", null, new StartOrchestrationOptions { InstanceId = "root" });
        await run.Client.WaitForCompletionAsync("root");
        await run.Client.WaitForCompletionAsync("side-1");
        while (await run.Client.GetEntityStateAsync(Total) != "11115")
        {
            await Task.Delay(TimeSpan.FromSeconds(1), run.Clock);
        }

        // A minute in which a second delivery would show.
        await Task.Delay(TimeSpan.FromMinutes(1), run.Clock);
        var report = new StringBuilder();
        var page = await run.Client.QueryAsync(new OrchestrationQuery { IncludeChildren = true, FetchInputsAndOutputs = true });
        foreach (var found in page.Instances.OrderBy(found => found.InstanceId, StringComparer.Ordinal))
        {
            var history = await run.Client.GetHistoryAsync(found.InstanceId);
            report.AppendLine($"{found.InstanceId} {found.RuntimeStatus} {found.Output} {found.CustomStatus} {Counts(history)}");
        }

        report.AppendLine($"total {await run.Client.GetEntityStateAsync(Total)} relay {await run.Client.GetEntityStateAsync(Relay)}");
        var totals = await run.Ledger.GetTotalsAsync();
        report.AppendLine($"ledger {totals.Steps} {totals.InputTokens} {totals.OutputTokens} {totals.CostUsd}");
        var usage = await run.Ledger.ReadUsageAsync(DateOnly.MinValue, DateOnly.FromDateTime(DateTime.MaxValue).AddDays(-1));
        report.AppendLine($"usage {usage.Sum(row => row.Calls)} {usage.Sum(row => row.InputTokens)} {usage.Sum(row => row.OutputTokens)} {usage.Sum(row => row.CostUsd)}");
        return report.ToString();
    }

    /// <summary>How often each kind of event took effect. Steps may be cut differently after a crash, so they are left out.</summary>
    private static string Counts(IEnumerable<HistoryEvent> history) => string.Join(' ', history
        .Where(e => e is not OrchestratorStarted)
        .GroupBy(e => e.GetType().Name, StringComparer.Ordinal)
        .OrderBy(group => group.Key, StringComparer.Ordinal)
        .Select(group => $"{group.Key}={group.Count()}"));

    private static async Task<string?> RootAsync(OrchestrationContext context, string? input)
    {
        if (input is not null)
        {
            var late = await context.WaitForExternalEventAsync("late");
            return $"gen 2: {input}|{late}";
        }

        context.SetCustomStatus("\"fan\"");
        context.SignalEntity(Total, "add", "5");
        var fan = await Task.WhenAll(Enumerable.Range(0, 3).Select(i => context.CallActivityAsync("echo", $"a{i}")));
        string caught;
        try
        {
            caught = (await context.CallActivityAsync("boom", null))!;
        }
        catch (TaskFailedException e)
        {
            caught = $"caught {e.FailureDetails.ErrorMessage}";
        }

        await context.CallActivityAsync("spend", "\"answer\"");
        var before = await context.CallEntityAsync(Total, "get", null);
        using var cancel = new CancellationTokenSource();
        var never = context.CreateTimerAsync(context.CurrentUtcDateTime.AddDays(1), cancel.Token);
        var child = context.CallSubOrchestrationAsync("child", null, "hello");
        var dropped = context.CallActivityAsync("idle", null, cancel.Token);
        await Task.WhenAny(never, child);
        cancel.Cancel();
        try
        {
            await dropped;
        }
        catch (OperationCanceledException)
        {
            caught += ", cancelled";
        }

        context.SetCustomStatus("\"relay\"");
        context.SignalEntity(Relay, "go", "7");
        var news = await context.WaitForExternalEventAsync("news");
        await context.CreateTimerAsync(context.CurrentUtcDateTime.AddHours(1));
        context.ContinueAsNew($"{string.Join(',', fan)}|{caught}|{await child}|{before}|news {news}");
        return null;
    }
}
