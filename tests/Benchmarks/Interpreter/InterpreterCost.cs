using System.Diagnostics;
using Polyphony.Core.Client;
using Polyphony.Core.Workflows;
using Polyphony.Engine;
using EngineSteps = Polyphony.Benchmarks.Engine.Steps;

namespace Polyphony.Benchmarks.Interpreter;

/// <summary>
/// What a node of a workflow file costs beyond the same activity call in C#. On an engine in memory and in processor time of this process,
/// because the disk's share is the same for both, and its noise and that of a busy machine are larger than the difference.
/// </summary>
internal static class InterpreterCost
{
    internal static async Task RunAsync(Round round)
    {
        await using var engine = await EmbeddedEngine.StartAsync(EngineOptions.InMemory(), Workflows.Register);
        var client = Workflows.ClientOf(engine);
        foreach (var size in (int[])[100, 1000])
        {
            await CompareAsync(round, client, $"interpreter.agent.{size}", Workflows.AgentChain(size), Workflows.CodeChain, size, Repeat(round, size));
        }

        await CompareAsync(round, client, "interpreter.conversation.100", Workflows.Conversation(100), Workflows.CodeChain, 100, Repeat(round, 100));
        const int Items = 1000;
        var items = $$"""{"items":[{{string.Join(',', Enumerable.Range(0, Items))}}]}""";
        await CompareAsync(round, client, $"interpreter.forEach.{Items}", Workflows.ForEach(), Workflows.CodeFan, Items, Repeat(round, Items), items);

        foreach (var size in (int[])[100, 1000])
        {
            var transforms = Workflows.TransformChain(size);
            var repeat = Repeat(round, size);
            var time = await TimeAsync(repeat, () => Workflows.RunAsync(client, transforms));
            round.Record($"interpreter.transform.{size}", "µs/node", time.TotalMicroseconds / (size * repeat), higherIsBetter: false);
        }
    }

    // The warm-up is the longest, because the compiler takes its time to optimise what has run often: before that, a node costs three times as much.
    private static int Repeat(Round round, int size) => Math.Max(1, (round.WarmUp ? round.Quick ? 2000 : 15_000 : round.Scale(5000)) / size);

    private static async Task CompareAsync(
        Round round, WorkflowClient client, string name, WorkflowDefinition workflow, string code, int size, int repeat, string? input = null)
    {
        var interpreted = await TimeAsync(repeat, () => input is null ? Workflows.RunAsync(client, workflow) : Workflows.RunAsync(client, workflow, input));
        var coded = await TimeAsync(repeat, () => EngineSteps.RunAsync(client.Durable, code, EngineSteps.Text(size)));
        round.Record($"{name}.code", "µs/node", coded.TotalMicroseconds / (size * repeat), higherIsBetter: false);
        round.Record(name, "µs/node", (interpreted - coded).TotalMicroseconds / (size * repeat), higherIsBetter: false);
    }

    private static async Task<TimeSpan> TimeAsync(int repeat, Func<Task> run)
    {
        await run();
        using var process = Process.GetCurrentProcess();
        var began = process.TotalProcessorTime;
        for (var i = 0; i < repeat; i++)
        {
            await run();
        }

        process.Refresh();
        return process.TotalProcessorTime - began;
    }
}
