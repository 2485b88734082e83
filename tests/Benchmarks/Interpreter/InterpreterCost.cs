using Polyphony.Core.Client;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
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
            await CompareAsync(round, client, $"interpreter.agent.{size}", Workflows.AgentChain(size), Workflows.CodeChain, size);
        }

        await CompareAsync(round, client, "interpreter.conversation.100", Workflows.Conversation(100), Workflows.CodeChain, 100);
        const int Items = 1000;
        var items = $$"""{"items":[{{string.Join(',', Enumerable.Range(0, Items))}}]}""";
        await CompareAsync(round, client, $"interpreter.forEach.{Items}", Workflows.ForEach(), Workflows.CodeFan, Items, items);

        foreach (var size in (int[])[100, 1000])
        {
            var transforms = Workflows.TransformChain(size);
            var time = TimeSpan.Zero;
            for (var left = Repeat(round, size); left > 0; left--)
            {
                time += await TimeAsync(client, () => Workflows.RunAsync(client, transforms));
            }

            round.Record($"interpreter.transform.{size}", "µs/node", time.TotalMicroseconds / (size * Repeat(round, size)), higherIsBetter: false);
        }
    }

    // The warm-up is the longest: the compiler takes its time to optimise what has run often, what runs once in a workflow included. Before that, a node costs three times as much.
    private static int Repeat(Round round, int size) => Math.Max(1, (round.WarmUp ? round.Quick ? 2000 : 600 * Math.Min(size, 150) : round.Scale(10_000)) / size);

    /// <summary>Lets the two take turns, so that both meet the same machine.</summary>
    private static async Task CompareAsync(Round round, WorkflowClient client, string name, WorkflowDefinition workflow, string code, int size, string? input = null)
    {
        var interpreted = TimeSpan.Zero;
        var coded = TimeSpan.Zero;
        var repeat = Repeat(round, size);
        for (var i = 0; i < repeat; i++)
        {
            interpreted += await TimeAsync(client, () => input is null ? Workflows.RunAsync(client, workflow) : Workflows.RunAsync(client, workflow, input));
            coded += await TimeAsync(client, () => EngineSteps.RunAsync(client.Durable, code, EngineSteps.Text(size)));
        }

        round.Record($"{name}.code", "µs/node", coded.TotalMicroseconds / (size * repeat), higherIsBetter: false);
        round.Record(name, "µs/node", (interpreted - coded).TotalMicroseconds / (size * repeat), higherIsBetter: false);
    }

    /// <summary>
    /// Measures one run, and then removes it: memory that the engine's tables have not had yet is handed out by the system page by page, which on a virtual machine
    /// costs as much as the run itself.
    /// </summary>
    private static async Task<TimeSpan> TimeAsync(WorkflowClient client, Func<Task> run)
    {
        var began = Environment.CpuUsage.TotalTime;
        await run();
        var time = Environment.CpuUsage.TotalTime - began;
        OrchestrationPage page;
        do
        {
            page = await client.Durable.QueryAsync(new OrchestrationQuery());
            foreach (var each in page.Instances)
            {
                await client.Durable.PurgeAsync(each.InstanceId);
            }
        }
        while (page.Instances.Count > 0);
        return time;
    }
}
