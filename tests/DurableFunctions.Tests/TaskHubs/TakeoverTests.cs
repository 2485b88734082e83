using DurableTask.Core.History;
using Polyphony.Contract.Durable;
using Polyphony.DurableFunctions.Tests.Durable;

namespace Polyphony.DurableFunctions.Tests.TaskHubs;

/// <summary>A worker process is killed, and another goes on with what it left on Azure Storage: when the lease of its partitions and the time of its messages are up.</summary>
[Trait("Row", "S7")]
public sealed class TakeoverTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("polyphony-takeover-");

    private static CancellationToken Soon => new CancellationTokenSource(TimeSpan.FromMinutes(2)).Token;

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    [Trait("Row", "S1")]
    [Trait("Row", "O2")]
    public async Task Kill_InTheMiddleOfAFanOut_EachResultCountsOnce()
    {
        var hub = AzureStorageTaskHub.Create();
        const int ending = 40;
        await KillAsync(hub, "fan", ending, events: 0, async () => Runs("*") > ending && (await RecordedAsync(hub, "fan")).Count >= 20);

        await using var host = await TakeOverAsync(hub);
        var ended = await host.Client.WaitForCompletionAsync("fan", Soon);

        var all = Enumerable.Range(0, TakeoverWorkflows.Width).Select(i => $"{i}").ToList();
        Assert.Equal(string.Join(',', all), ended.Output);
        Assert.Equal(all, (await RecordedAsync(hub, "fan")).OrderBy(int.Parse));

        // Only what the killed process held was run again.
        Assert.InRange(Runs("*"), all.Count + 1, all.Count + TaskHubService.Activities);
    }

    [Fact]
    [Trait("Row", "O1")]
    [Trait("Row", "O10")]
    public async Task Kill_InTheMiddleOfASequence_EventsOfBeforeAndAfterArriveOnceAndInOrder()
    {
        const int done = 4;
        const int sent = 6;
        var hub = AzureStorageTaskHub.Create();
        await KillAsync(hub, "sequence", done, sent, async () =>
            (await RecordedAsync(hub, "sequence")).Count == done && await EventsAsync(hub) == sent && Runs($"{done}") == 1 && await hub.IsQuietAsync());

        await using var host = await TakeOverAsync(hub);
        for (var i = sent; i < TakeoverWorkflows.Steps; i++)
        {
            await host.Client.RaiseEventAsync("sequence", "next", $"\"{i}\"", Soon);
        }

        var ended = await host.Client.WaitForCompletionAsync("sequence", Soon);

        Assert.Equal(string.Join(',', Enumerable.Range(0, TakeoverWorkflows.Steps).Select(i => $"{i},\"{i}\"")), ended.Output);
        Assert.Equal(TakeoverWorkflows.Steps, (await RecordedAsync(hub, "sequence")).Count);
        Assert.Equal(TakeoverWorkflows.Steps, await EventsAsync(hub));
        Assert.Equal(2, Runs($"{done}"));
    }

    private async Task KillAsync(AzureStorageTaskHub hub, string orchestration, int runs, int events, Func<Task<bool>> when)
    {
        await using var worker = WorkerProcess.Start(hub, _folder.FullName, $"{runs}", orchestration, $"{events}");
        await worker.UntilAsync(when);
        await worker.KillAsync();
    }

    private Task<IDurableHost> TakeOverAsync(AzureStorageTaskHub hub) => DurableTaskHost.StartAsync(TakeoverWorkflows.Register(_folder.FullName, int.MaxValue), hub);

    /// <summary>The inputs of the activities whose results are in the history. It may have one twice, if the message had not been deleted yet when the process was killed.</summary>
    private static async Task<IReadOnlyList<string>> RecordedAsync(AzureStorageTaskHub hub, string id)
    {
        var history = await hub.ReadHistoryAsync(id) ?? [];

        // An array of one.
        var inputs = history.OfType<TaskScheduledEvent>().ToDictionary(each => each.EventId, each => each.Input!.Trim('[', ']'));
        return [.. history.OfType<TaskCompletedEvent>().Select(each => inputs[each.TaskScheduledId]).Distinct()];
    }

    private static async Task<int> EventsAsync(AzureStorageTaskHub hub) => (await hub.ReadHistoryAsync("sequence") ?? []).Count(each => each is EventRaisedEvent);

    private int Runs(string input) => _folder.GetFiles($"{input}.*").Length;
}
