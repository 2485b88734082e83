using System.Globalization;
using Polyphony.Core.Durable;

namespace Polyphony.Benchmarks.Engine;

/// <summary>The functions that the engine's benchmarks run. A step is an activity that does nothing and returns about 300 bytes.</summary>
internal static class Steps
{
    internal const string Sequence = "sequence";
    internal const string Fan = "fan";
    internal const string Wait = "wait";
    internal const string Events = "events";
    internal const string Step = "step";
    internal const string Go = "go";
    internal const string Counter = "counter";

    private static readonly Task<string?> Result = Task.FromResult<string?>(
        $$"""{"answer":"{{string.Concat(Enumerable.Repeat("Thirty bytes of an answer text.", 9))}}"}""");

    /// <summary>Makes a registry.</summary>
    /// <param name="onStep">Told of each step when it runs.</param>
    internal static DurableRegistry NewRegistry(Action<ActivityContext>? onStep = null) => new DurableRegistry()
        .AddActivity(Step, (context, _) =>
        {
            onStep?.Invoke(context);
            return Result;
        })
        .AddOrchestration(Sequence, static async (context, input) =>
        {
            for (var left = Number(input); left > 0; left--)
            {
                await context.CallActivityAsync(Step, "1");
            }

            return null;
        })
        .AddOrchestration(Fan, static async (context, input) =>
        {
            var calls = new Task<string?>[Number(input)];
            for (var i = 0; i < calls.Length; i++)
            {
                calls[i] = context.CallActivityAsync(Step, "1");
            }

            await Task.WhenAll(calls);
            return null;
        })
        .AddOrchestration(Wait, static (context, _) => context.WaitForExternalEventAsync(Go))
        .AddOrchestration(Events, static async (context, input) =>
        {
            for (var left = Number(input); left > 0; left--)
            {
                await context.WaitForExternalEventAsync(Go);
            }

            return null;
        })
        .AddEntity(Counter, static context =>
        {
            context.State = (Number(context.State) + 1).ToString(CultureInfo.InvariantCulture);
            return Task.FromResult<string?>(null);
        });

    /// <summary>Starts an instance and waits for its end.</summary>
    internal static async Task RunAsync(DurableClient client, string name, string? input)
    {
        var id = await client.StartAsync(name, input);
        var ended = await client.WaitForCompletionAsync(id);
        if (ended.RuntimeStatus != OrchestrationRuntimeStatus.Completed)
        {
            throw new InvalidOperationException($"Instance \"{id}\" of \"{name}\" ended as {ended.RuntimeStatus}; expected Completed: {ended.FailureDetails?.ErrorMessage}");
        }
    }

    internal static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static int Number(string? text) => text is null ? 0 : int.Parse(text, CultureInfo.InvariantCulture);
}
