using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging.Abstractions;
using Polyphony.Activities;
using Polyphony.Activities.Providers;
using Polyphony.Activities.Providers.Offline;
using Polyphony.Activities.Tools;
using Polyphony.Activities.Workflows;
using Polyphony.Core.Client;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
using Polyphony.Core.Runs;
using Polyphony.DurableFunctions.Tests.Durable;
using Polyphony.DurableFunctions.Tests.Storage;

namespace Polyphony.DurableFunctions.Tests.TaskHubs;

/// <summary>
/// What <c>./dev bench functions</c> measures where there is no Functions host: the same shapes on Durable Task's worker and storage provider, in this process. A measurement, no test.
/// </summary>
internal static partial class InProcessBench
{
    public const string Command = "bench";

    /// <summary>Runs each shape once and prints a line of JSON for it, as measure.mjs does.</summary>
    /// <param name="args">The command, the folder of the workflows, the log of Azurite, and the shapes: <c>NAME=COUNT</c>, the hand-written ones as <c>hand/NAME</c>.</param>
    public static async Task RunAsync(string[] args)
    {
        var (folder, log) = (args[1], args[2]);
        await using var container = TestContainer.Create();
        var stores = container.OpenStores();
        await using var host = await DurableTaskHost.StartAsync(Register(folder, stores), AzureStorageTaskHub.Create(), () => stores, () => Task.CompletedTask);
        var client = new WorkflowClient(host.Client, new FolderWorkflowCatalog(folder), stores.Definitions, stores.Payloads);
        foreach (var each in args[3..])
        {
            var parts = each.Split('=');
            var count = int.Parse(parts[1], CultureInfo.InvariantCulture);
            var from = new FileInfo(log).Length;
            var begun = Stopwatch.GetTimestamp();
            var id = parts[0].StartsWith("hand/", StringComparison.Ordinal)
                ? await host.Client.StartAsync(parts[0], $"{count}")
                : await client.StartAsync(client.Resolve(parts[0]), JsonSerializer.SerializeToElement(new { count = Enumerable.Range(0, count) }), null);
            var ended = await host.Client.WaitForCompletionAsync(id);
            if (ended.RuntimeStatus != OrchestrationRuntimeStatus.Completed)
            {
                throw new InvalidOperationException($"{each}: {ended.FailureDetails?.ErrorMessage}");
            }

            var seconds = Stopwatch.GetElapsedTime(begun).TotalSeconds;
            Console.WriteLine(JsonSerializer.Serialize(new { shape = parts[0], count, seconds, transactions = Requests(log, from) }));
        }
    }

    private static DurableRegistry Register(string folder, DurableTaskHost.Stores stores)
    {
        var text = JsonSerializer.Serialize(new string('x', 300));
        var registry = new DurableRegistry()
            .AddActivity("step", (_, input) => Task.FromResult(input))
            .AddOrchestration("hand/sequence", async (context, input) =>
            {
                var last = text;
                for (var i = int.Parse(input!, CultureInfo.InvariantCulture); i > 0; i--)
                {
                    last = await context.CallActivityAsync("step", last);
                }

                return last;
            })
            .AddOrchestration("hand/fanout", async (context, input) =>
            {
                var all = await Task.WhenAll(Enumerable.Range(0, int.Parse(input!, CultureInfo.InvariantCulture)).Select(_ => context.CallActivityAsync("step", text)));
                return $"{all.Length}";
            })
            .AddWorkflows(stores.Definitions, InterpreterOptions.ExtendedSessions);
        new PolyphonyActivities(
            new ActivitiesOptions(),
            stores.Payloads,
            stores.Ledger,
            stores.Definitions,
            new ModelRegistry([new OfflineProvider()], new Dictionary<string, ModelDefinition>()),
            new FileTools(folder).Register(new ToolRegistry()),
            TimeProvider.System,
            NullLoggerFactory.Instance).Register(registry);
        return registry;
    }

    private static int Requests(string log, long from)
    {
        using var file = new FileStream(log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        file.Seek(from, SeekOrigin.Begin);
        using var reader = new StreamReader(file);
        return RequestPattern().Count(reader.ReadToEnd());
    }

    [GeneratedRegex("\"(GET|HEAD|PUT|POST|PATCH|MERGE|DELETE) /", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex RequestPattern();
}
