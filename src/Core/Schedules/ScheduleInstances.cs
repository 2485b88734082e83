using System.Text.Json;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Schedules;

/// <summary>The instances that a schedule has: that which is at it, and for a moment the one before.</summary>
/// <param name="Current">The one that is at it, or was last; <see langword="null"/> if there never was one.</param>
/// <param name="Before">The one before, which is to be removed.</param>
internal sealed record ScheduleInstances(OrchestrationMetadata? Current, OrchestrationMetadata? Before)
{
    /// <summary>Gets how far the schedule is; <see langword="null"/> if there never was an instance.</summary>
    public ScheduleState? State => Read(Current is { RuntimeStatus: OrchestrationRuntimeStatus.Completed, Output: { } output } ? output : Current?.CustomStatus ?? Current?.Input);

    /// <summary>Finds them.</summary>
    /// <param name="client">The engine's client.</param>
    /// <param name="workflow">The workflow's name.</param>
    /// <param name="schedule">The schedule's name.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The instances.</returns>
    public static async Task<ScheduleInstances> FindAsync(DurableClient client, string workflow, string schedule, CancellationToken cancellationToken)
    {
        var ids = ScheduleIds.OfSchedule(workflow, schedule);
        var first = Own(await client.GetAsync(ids.First, fetchInputsAndOutputs: true, cancellationToken));
        var second = Own(await client.GetAsync(ids.Second, fetchInputsAndOutputs: true, cancellationToken));
        return second is null || (first is not null && IsLater(first, second)) ? new ScheduleInstances(first, second) : new ScheduleInstances(second, first);
    }

    /// <summary>Removes the one before.</summary>
    /// <param name="client">The engine's client.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>A task that completes when it is gone.</returns>
    public async Task RemoveBeforeAsync(DurableClient client, CancellationToken cancellationToken)
    {
        if (Before is { IsFinished: true })
        {
            await client.PurgeAsync(Before.InstanceId, cancellationToken);
        }
    }

    /// <summary>Starts the next one, under the id that the current one does not have. Nothing happens if somebody else was quicker.</summary>
    /// <param name="client">The engine's client.</param>
    /// <param name="state">How far the schedule is.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>A task that completes when it is started.</returns>
    public async Task StartNextAsync(DurableClient client, ScheduleState state, CancellationToken cancellationToken)
    {
        var ids = ScheduleIds.OfSchedule(state.Workflow, state.Schedule);
        await RemoveBeforeAsync(client, cancellationToken);
        try
        {
            await client.StartAsync(
                TaskNames.ScheduleOrchestration,
                JsonSerializer.Serialize(state with { Looks = 0 }, CoreJsonContext.Default.ScheduleState),
                new StartOrchestrationOptions { InstanceId = Current?.InstanceId == ids.First ? ids.Second : ids.First },
                cancellationToken);
        }
        catch (InstanceExistsException)
        {
            // It runs, which is all that was wanted.
        }
    }

    private static OrchestrationMetadata? Own(OrchestrationMetadata? found) => found?.Name == TaskNames.ScheduleOrchestration ? found : null;

    private static bool IsLater(OrchestrationMetadata one, OrchestrationMetadata other) =>
        one.IsFinished == other.IsFinished ? one.CreatedTime > other.CreatedTime : other.IsFinished;

    private static ScheduleState? Read(string? json) => json is null ? null : JsonSerializer.Deserialize(json, CoreJsonContext.Default.ScheduleState);
}
