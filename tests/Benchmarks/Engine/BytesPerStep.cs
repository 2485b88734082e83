using System.Globalization;
using System.Text.Json;
using Polyphony.Benchmarks.Interpreter;
using Polyphony.Core.Durable.History;
using Polyphony.Core.Json;
using Polyphony.Engine;

namespace Polyphony.Benchmarks.Engine;

/// <summary>What a step of a long sequential run takes: in the file, written on the way, and of the history as a client gets it; and what a node takes in the file.</summary>
internal static class BytesPerStep
{
    internal static async Task RunAsync(Round round)
    {
        var steps = round.Scale(10_000, 100);
        var file = round.NewFile();
        var engine = await round.StartEngineAsync(Steps.NewRegistry(), file);
        await engine.DisposeAsync();
        var before = new FileInfo(file).Length;
        var written = BytesWritten();
        engine = await round.StartEngineAsync(Steps.NewRegistry(), file);
        await Steps.RunAsync(engine.Client, Steps.Sequence, Steps.Text(steps));
        var id = (await engine.Client.QueryAsync(new())).Instances[0].InstanceId;
        var history = await engine.Client.GetHistoryAsync(id);

        // The checkpoint at the close brings the log's pages into the file; they count as written too.
        await engine.DisposeAsync();
        if (written is { } at && BytesWritten() is { } now)
        {
            round.Record("size.written", "bytes/step", (double)(now - at) / steps, higherIsBetter: false);
        }

        round.Record("size.file", "bytes/step", (double)(new FileInfo(file).Length - before) / steps, higherIsBetter: false);
        round.Record("size.history", "bytes/step", history.Sum(item => (double)JsonSerializer.SerializeToUtf8Bytes<HistoryEvent>(item, CoreJsonContext.Default.HistoryEvent).Length) / steps, higherIsBetter: false);
        round.Record("size.events", "events/step", (double)history.Count / steps, higherIsBetter: false);
        await RunNodesAsync(round);
    }

    /// <summary>What a node of a chain of a hundred agents takes, its share of the outcomes included.</summary>
    private static async Task RunNodesAsync(Round round)
    {
        const int Nodes = 100;
        var runs = round.Scale(20);
        var file = round.NewFile();
        var workflow = Workflows.AgentChain(Nodes);
        await RunAsync(1);
        var before = new FileInfo(file).Length;
        await RunAsync(runs);
        round.Record("size.node.file", "bytes/node", (double)(new FileInfo(file).Length - before) / (runs * Nodes), higherIsBetter: false);

        // The close brings everything into the file.
        async Task RunAsync(int times)
        {
            await using var engine = await EmbeddedEngine.StartAsync(new EngineOptions { Path = file, Durability = round.Durability }, Workflows.Register);
            var client = Workflows.ClientOf(engine);
            for (var i = 0; i < times; i++)
            {
                await Workflows.RunAsync(client, workflow);
            }
        }
    }

    /// <summary>Gets what this process has handed to the system for writing, where the system says so (Linux).</summary>
    private static long? BytesWritten()
    {
        const string Counters = "/proc/self/io";
        const string Written = "wchar: ";
        var line = File.Exists(Counters) ? File.ReadLines(Counters).FirstOrDefault(line => line.StartsWith(Written, StringComparison.Ordinal)) : null;
        return line is null ? null : long.Parse(line.AsSpan(Written.Length), NumberStyles.None, CultureInfo.InvariantCulture);
    }
}
