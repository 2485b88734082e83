using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
using Polyphony.Core.Runs;
using Polyphony.Core.Schedules;

namespace Polyphony.Core.Client;

/// <summary>Reads, pauses and resumes the schedules of the workflows of the catalog. Thread-safe.</summary>
/// <param name="client">The workflows.</param>
/// <param name="timeProvider">The clock; by default the system's.</param>
public sealed class ScheduleClient(WorkflowClient client, TimeProvider? timeProvider = null)
{
    private const int Attempts = 5;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Lists the schedules of the valid workflows, by workflow.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The schedules.</returns>
    public async Task<IReadOnlyList<WorkflowSchedule>> ListAsync(CancellationToken cancellationToken = default)
    {
        var found = new List<WorkflowSchedule>();
        foreach (var definition in client.Catalog.List())
        {
            foreach (var schedule in definition.Schedules)
            {
                found.Add(await DescribeAsync(definition.Name, schedule, cancellationToken));
            }
        }

        return found;
    }

    /// <summary>Reads a schedule.</summary>
    /// <param name="workflow">The workflow's name.</param>
    /// <param name="schedule">The schedule's name.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The schedule.</returns>
    /// <exception cref="WorkflowNotFoundException">There is no such workflow.</exception>
    /// <exception cref="WorkflowInvalidException">The workflow is not valid.</exception>
    /// <exception cref="ScheduleNotFoundException">The workflow has no such schedule.</exception>
    public Task<WorkflowSchedule> GetAsync(string workflow, string schedule = ScheduleDefinition.DefaultName, CancellationToken cancellationToken = default) =>
        DescribeAsync(workflow, Resolve(workflow, schedule), cancellationToken);

    /// <summary>Pauses a schedule: it starts nothing until it is resumed. No effect on one that is paused.</summary>
    /// <param name="workflow">The workflow's name.</param>
    /// <param name="schedule">The schedule's name.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>A task that completes when this is committed.</returns>
    /// <exception cref="WorkflowNotFoundException">There is no such workflow.</exception>
    /// <exception cref="WorkflowInvalidException">The workflow is not valid.</exception>
    /// <exception cref="ScheduleNotFoundException">The workflow has no such schedule.</exception>
    /// <exception cref="PolyphonyException"><c>schedule_not_started</c>: no host has taken it up yet.</exception>
    public Task PauseAsync(string workflow, string schedule = ScheduleDefinition.DefaultName, CancellationToken cancellationToken = default) =>
        AskAsync(workflow, schedule, isPaused: true, cancellationToken);

    /// <summary>Lets a paused schedule go on with the next due time; those that have passed meanwhile are left out, whatever its policy. No effect on one that is not paused.</summary>
    /// <param name="workflow">The workflow's name.</param>
    /// <param name="schedule">The schedule's name.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>A task that completes when this is committed.</returns>
    /// <exception cref="WorkflowNotFoundException">There is no such workflow.</exception>
    /// <exception cref="WorkflowInvalidException">The workflow is not valid.</exception>
    /// <exception cref="ScheduleNotFoundException">The workflow has no such schedule.</exception>
    /// <exception cref="PolyphonyException"><c>schedule_not_started</c>: no host has taken it up yet.</exception>
    public Task ResumeAsync(string workflow, string schedule = ScheduleDefinition.DefaultName, CancellationToken cancellationToken = default) =>
        AskAsync(workflow, schedule, isPaused: false, cancellationToken);

    private ScheduleDefinition Resolve(string workflow, string schedule)
    {
        var schedules = client.Resolve(workflow).Schedules;
        return schedules.FirstOrDefault(each => each.Name == schedule) ?? throw new ScheduleNotFoundException(workflow, schedule, schedules.Select(each => each.Name));
    }

    private async Task<WorkflowSchedule> DescribeAsync(string workflow, ScheduleDefinition schedule, CancellationToken cancellationToken)
    {
        var instances = await ScheduleInstances.FindAsync(client.Durable, workflow, schedule.Name, cancellationToken);
        var state = instances.State is { IsRemoved: false } known ? known : null;
        var isSeen = state is { IsOff: false } && state.Hash == schedule.Hash;
        return new WorkflowSchedule
        {
            Workflow = workflow,
            Name = schedule.Name,
            Cron = schedule.Cron,
            TimeZone = schedule.TimeZone,
            CatchUp = schedule.CatchUp,
            Status = state is { IsPaused: true } ? ScheduleStatus.Paused : !isSeen ? ScheduleStatus.Pending : state!.Problem is null ? ScheduleStatus.Active : ScheduleStatus.Failing,
            NextDue = isSeen && !state!.IsPaused ? state.Next : null,
            LastDue = state?.LastDue,
            LastInstanceId = state?.LastInstanceId,
            Error = state?.Problem is { } problem ? new WorkflowError(null, problem.Code, problem.Message) : null,
        };
    }

    private async Task AskAsync(string workflow, string schedule, bool isPaused, CancellationToken cancellationToken)
    {
        Resolve(workflow, schedule);
        for (var attempt = 1; attempt <= Attempts; attempt++)
        {
            var found = await ScheduleInstances.FindAsync(client.Durable, workflow, schedule, cancellationToken);
            if (found.Current is not { } current || found.State is { IsRemoved: true })
            {
                break;
            }

            // Azure Storage shows an instance that is about to continue as new without its state.
            if (found.State?.IsPaused == isPaused)
            {
                return;
            }

            if (current.IsFinished && found.State is { } state)
            {
                await found.StartNextAsync(client.Durable, state, cancellationToken);
                continue;
            }

            try
            {
                await client.Durable.RaiseEventAsync(current.InstanceId, EventNames.Schedule, isPaused ? ScheduleOrchestration.Pause : ScheduleOrchestration.Resume, cancellationToken);
            }
            catch (PolyphonyException e) when (e is InvalidInstanceStatusException or InstanceNotFoundException)
            {
                // The next instance is at it.
                continue;
            }

            if (await TakesItAsync(current, isPaused, cancellationToken))
            {
                return;
            }
        }

        throw new PolyphonyException("schedule_not_started", $"No host has taken schedule \"{schedule}\" of workflow \"{workflow}\" up yet. A host does within seconds of its start; try again then.");
    }

    /// <summary>Waits until an instance has taken what it was asked. One that was ended by its last look takes nothing any more, and the next instance has to be asked.</summary>
    private async Task<bool> TakesItAsync(OrchestrationMetadata asked, bool isPaused, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(Patience, timeProvider ?? TimeProvider.System);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        try
        {
            for (var version = asked.Version; ;)
            {
                if (await client.Durable.WaitForChangeAsync(asked.InstanceId, version, limit.Token) is not { } now)
                {
                    return false;
                }

                if (new ScheduleInstances(now, null).State?.IsPaused == isPaused)
                {
                    return true;
                }

                if (now.IsFinished)
                {
                    return false;
                }

                version = now.Version;
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // It is kept for it, and taken when it gets on.
            return true;
        }
    }
}
