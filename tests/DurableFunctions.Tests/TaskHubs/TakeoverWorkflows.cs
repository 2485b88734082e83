using Polyphony.Core.Durable;
using Polyphony.DurableFunctions.Tests.Durable;
using Polyphony.DurableFunctions.Tests.Storage;

namespace Polyphony.DurableFunctions.Tests.TaskHubs;

/// <summary>What the workers of <see cref="TakeoverTests"/> run. A run of an activity is a file, so that several processes can be counted.</summary>
internal static class TakeoverWorkflows
{
    /// <summary>How many activities the fan-out has.</summary>
    public const int Width = 100;

    /// <summary>How many steps the sequence has.</summary>
    public const int Steps = 8;

    /// <summary>The registry.</summary>
    /// <param name="folder">Where runs are noted.</param>
    /// <param name="runs">How many runs end in this process; all after them hang, so that it can be killed in the middle.</param>
    public static DurableRegistry Register(string folder, int runs)
    {
        var begun = 0;
        return new DurableRegistry()
            .AddActivity("note", async (context, input) =>
            {
                await File.WriteAllTextAsync(Path.Combine(folder, $"{input}.{Guid.NewGuid():N}"), "");
                await (Interlocked.Increment(ref begun) > runs ? Task.Delay(Timeout.Infinite, context.CancellationToken) : Task.CompletedTask);
                return input;
            })
            .AddOrchestration("fan", async (context, _) =>
                string.Join(',', await Task.WhenAll(Enumerable.Range(0, Width).Select(i => context.CallActivityAsync("note", $"{i}")))))
            .AddOrchestration("sequence", async (context, _) =>
            {
                var got = new List<string?>();
                for (var i = 0; i < Steps; i++)
                {
                    got.Add(await context.CallActivityAsync("note", $"{i}"));
                    got.Add(await context.WaitForExternalEventAsync("next"));
                }

                return string.Join(',', got);
            });
    }

    /// <summary>The child process: works on the hub that the arguments name until it is killed.</summary>
    /// <param name="args">The command, the hub's name, the folder, how many runs end, the orchestration to start, and how many events to send it.</param>
    public static async Task WorkAsync(string[] args)
    {
        var hub = new AzureStorageTaskHub(Environment.GetEnvironmentVariable(TestContainer.Variable)!, args[1]);
        var host = await DurableTaskHost.StartAsync(Register(args[2], int.Parse(args[3])), hub);
        await host.Client.StartAsync(args[4], null, new StartOrchestrationOptions { InstanceId = args[4] });
        for (var i = 0; i < int.Parse(args[5]); i++)
        {
            await host.Client.RaiseEventAsync(args[4], "next", $"\"{i}\"");
        }

        await Task.Delay(Timeout.Infinite);
    }
}
