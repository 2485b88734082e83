using System.Text.Json;
using Polyphony.Core.Durable;

namespace Polyphony.DurableFunctions.Durable;

/// <summary>The orchestration that starts another for an entity, unless its id was used before.</summary>
internal static class InstanceStarts
{
    public const string Name = "polyphony-start-for-entity";

    /// <summary>The activity that makes the start.</summary>
    public const string Activity = "polyphony-start-unless-there";

    private static readonly TimeSpan FirstDelay = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromMinutes(1);

    public static RawJson Input(string name, string? input, string instanceId) => new(JsonSerializer.Serialize([name, input, instanceId], FunctionsJsonContext.Default.StringArray));

    /// <summary>Tries until it is started: who asked for it does not wait for it.</summary>
    public static async Task<string?> RunAsync(OrchestrationContext context, string? input)
    {
        for (var delay = FirstDelay; ; delay = delay * 2 < LongestDelay ? delay * 2 : LongestDelay)
        {
            try
            {
                await context.CallActivityAsync(Activity, input);
                return null;
            }
            catch (TaskFailedException)
            {
                await context.CreateTimerAsync(context.CurrentUtcDateTime + delay);
            }
        }
    }

    /// <summary>Makes the activity.</summary>
    public static ActivityFunction Start(Func<DurableClient> client) => async (context, input) =>
    {
        var start = JsonSerializer.Deserialize(input!, FunctionsJsonContext.Default.StringArray)!;
        try
        {
            await client().StartAsync(start[0]!, start[1], new StartOrchestrationOptions { InstanceId = start[2] }, context.CancellationToken);
        }
        catch (InstanceExistsException)
        {
            // As it should be.
        }

        return null;
    };
}
