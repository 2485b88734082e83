using Polyphony.Core.Client;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
using Polyphony.Core.Runs;
using Polyphony.Core.Schedules;

namespace Polyphony.Activities.Schedules;

/// <summary>
/// Sees to it that each schedule of the catalog has its orchestration, and that the orchestration looks when the schedule has changed. Any number of hosts may do so at the same time. Not thread-safe: one keeper is asked
/// by one caller at a time.
/// </summary>
/// <param name="client">The workflows.</param>
/// <param name="timeProvider">The clock.</param>
internal sealed class ScheduleKeeper(WorkflowClient client, TimeProvider timeProvider)
{
    private readonly Dictionary<(string Workflow, string Schedule), string?> _told = [];

    /// <summary>Compares the catalog with what runs, and mends it. Safe to repeat.</summary>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>A task that completes when all is done.</returns>
    public async Task KeepAsync(CancellationToken cancellationToken)
    {
        var present = client.Catalog.List().SelectMany(definition => definition.Schedules.Select(schedule => (Workflow: definition.Name, Schedule: schedule))).ToList();
        foreach (var (workflow, schedule) in present)
        {
            await KeepAsync(workflow, schedule, cancellationToken);
        }

        foreach (var gone in _told.Keys.Except(present.Select(each => (each.Workflow, Schedule: each.Schedule.Name))).ToList())
        {
            // It finds out by itself that it is gone, at its next due time at the latest. A file with a problem is not gone, and is looked at every minute.
            await TellAsync(await ScheduleInstances.FindAsync(client.Durable, gone.Workflow, gone.Schedule, cancellationToken), cancellationToken);
            _told.Remove(gone);
        }
    }

    private async Task KeepAsync(string workflow, ScheduleDefinition schedule, CancellationToken cancellationToken)
    {
        var key = (workflow, schedule.Name);
        var instances = await ScheduleInstances.FindAsync(client.Durable, workflow, schedule.Name, cancellationToken);
        if (instances.Current is not { IsFinished: false })
        {
            var state = instances.State is { IsRemoved: false } known ? known : new ScheduleState { Workflow = workflow, Schedule = schedule.Name, After = timeProvider.GetUtcNow() };
            await instances.StartNextAsync(client.Durable, state, cancellationToken);
            _told[key] = null;
            return;
        }

        await instances.RemoveBeforeAsync(client.Durable, cancellationToken);
        if (instances.State is { Hash: not null } seen && (seen.IsOff || seen.Hash != schedule.Hash))
        {
            // Once is enough: the event is kept for it.
            if (_told.GetValueOrDefault(key) != schedule.Hash)
            {
                _told[key] = schedule.Hash;
                await TellAsync(instances, cancellationToken);
            }
        }
        else
        {
            _told[key] = null;
        }
    }

    private async Task TellAsync(ScheduleInstances instances, CancellationToken cancellationToken)
    {
        if (instances.Current is not { IsFinished: false } current)
        {
            return;
        }

        try
        {
            await client.Durable.RaiseEventAsync(current.InstanceId, EventNames.Schedule, ScheduleOrchestration.Look, cancellationToken);
        }
        catch (PolyphonyException e) when (e is InvalidInstanceStatusException or InstanceNotFoundException)
        {
            // It has ended since; the next one looks at its start.
        }
    }
}
