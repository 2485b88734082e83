using System.Collections.Concurrent;
using Azure.Core;
using Polyphony.Core.Durable;
using Polyphony.DurableFunctions.Tests.Durable;
using Polyphony.DurableFunctions.Tests.Storage;

namespace Polyphony.DurableFunctions.Tests.TaskHubs;

/// <summary>What happens on Azure Storage where it differs from other storage.</summary>
public sealed class AzureStorageDifferenceTests
{
    private static CancellationToken Soon => new CancellationTokenSource(TimeSpan.FromMinutes(1)).Token;

    [Fact]
    [Trait("Row", "C9")]
    [Trait("Row", "C10")]
    public async Task Failure_ThroughActivityAndChild_IsWholeToTheCallerAndWithoutItsCauseToTheClient()
    {
        var registry = new DurableRegistry()
            .AddActivity("fails", (_, _) => throw new PolyphonyException("no_paper", "Tray [2] is empty."))
            .AddOrchestration("child", (context, _) => context.CallActivityAsync("fails", null))
            .AddOrchestration("parent", async (context, _) =>
            {
                var error = await Assert.ThrowsAsync<TaskFailedException>(() => context.CallSubOrchestrationAsync("child", null, null));
                return $"\"{error.FailureDetails.ErrorType}/{error.FailureDetails.InnerFailure!.ErrorType}/{error.FailureDetails.InnerFailure.ErrorMessage}\"";
            });
        await using var host = await AzureStorageTaskHub.StartAsync(registry);
        var parent = await host.Client.StartAsync("parent", null, null, Soon);
        var child = await host.Client.StartAsync("child", null, null, Soon);

        Assert.Equal("\"task_failed/no_paper/Tray [2] is empty.\"", (await host.Client.WaitForCompletionAsync(parent, Soon)).Output);
        var failure = (await host.Client.WaitForCompletionAsync(child, Soon)).FailureDetails!;
        Assert.Equal(("task_failed", null), (failure.ErrorType, failure.InnerFailure));
        Assert.Contains("Tray [2] is empty.", failure.ErrorMessage, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Row", "H5")]
    public async Task Rewind_FailedActivity_RunsItAgainAndKeepsTheRest()
    {
        var runs = new ConcurrentQueue<string?>();
        var broken = true;
        var registry = new DurableRegistry()
            .AddActivity("note", (_, input) =>
            {
                runs.Enqueue(input);
                return input == "2" && broken ? throw new InvalidOperationException("broken") : Task.FromResult(input);
            })
            .AddOrchestration("o", async (context, _) => await context.CallActivityAsync("note", "1") + await context.CallActivityAsync("note", "2"));
        await using var host = await AzureStorageTaskHub.StartAsync(registry);
        var id = await host.Client.StartAsync("o", null, null, Soon);
        Assert.Equal(OrchestrationRuntimeStatus.Failed, (await host.Client.WaitForCompletionAsync(id, Soon)).RuntimeStatus);
        broken = false;

        await host.Client.RewindAsync(id, "mended", Soon);

        Assert.Equal("12", (await host.Client.WaitForCompletionAsync(id, Soon)).Output);
        Assert.Equal(["1", "2", "2"], runs);
    }

    [Fact]
    [Trait("Row", "O10")]
    public async Task RaiseEvent_WhileTheStartIsPutOff_IsNotLost()
    {
        // The start is taken from the queue before its row is written, as happens to one in a hundred, and comes back two seconds later.
        var name = AzureStorageTaskHub.NewName();
        var row = new RequestGate(RequestMethod.Post, $"/{name}Instances");
        var putOff = new RequestGate(RequestMethod.Put, "visibilitytimeout=2");
        var registry = new DurableRegistry().AddOrchestration("o", (context, _) => context.WaitForExternalEventAsync("x"));
        await using var host = await DurableTaskHost.StartAsync(registry, new AzureStorageTaskHub(TestContainer.Connection, name, row, putOff));
        var start = host.Client.StartAsync("o", null, null, Soon);
        await row.Arrived;
        await putOff.Arrived;
        putOff.Open();
        row.Open();

        var id = await start;
        await host.Client.RaiseEventAsync(id, "x", "1", Soon);

        Assert.Equal("1", (await host.Client.WaitForCompletionAsync(id, Soon)).Output);
    }
}
