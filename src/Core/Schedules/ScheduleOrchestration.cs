using System.Text.Json;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Schedules;

/// <summary>
/// The orchestration of a schedule. It looks (an activity, which starts what is due), waits for the next due time or to be asked, and continues as new. What is due is not worked out here: definitions and the rules of
/// time zones change, and a replay must not see that.
/// </summary>
internal static class ScheduleOrchestration
{
    /// <summary>The event that asks for a look.</summary>
    public const string Look = "\"look\"";

    /// <summary>The event that pauses.</summary>
    public const string Pause = "\"pause\"";

    /// <summary>The event that resumes: due times that have passed meanwhile are left out.</summary>
    public const string Resume = "\"resume\"";

    /// <summary>How long to wait after a look that failed.</summary>
    public static readonly TimeSpan RetryDelay = TimeSpan.FromMinutes(1);

    /// <summary>Runs one generation.</summary>
    /// <param name="context">The orchestration.</param>
    /// <param name="input">A <see cref="ScheduleState"/>.</param>
    /// <param name="maxLooks">After how many looks the instance ends, so that the keeper starts the next: for an engine that keeps the history of earlier generations.</param>
    /// <returns>The state, when the instance ends.</returns>
    public static async Task<string?> RunAsync(OrchestrationContext context, string? input, int maxLooks)
    {
        var state = JsonSerializer.Deserialize(input!, CoreJsonContext.Default.ScheduleState)!;
        var look = await LookAsync(context, state);
        state = look.State with { Looks = state.Looks + 1 };
        context.SetCustomStatus(Write(state));
        if (state.IsRemoved || state.Looks >= maxLooks)
        {
            // Before it waits, so that the next instance has the time until something is due.
            return Write(state);
        }

        context.ContinueAsNew(Write(await WaitAsync(context, state, look.WakeAt)));
        return null;
    }

    private static async Task<ScheduleLook> LookAsync(OrchestrationContext context, ScheduleState state)
    {
        try
        {
            return (await context.CallActivityAsync(TaskNames.StartDue, state, CoreJsonContext.Default.ScheduleState, CoreJsonContext.Default.ScheduleLook))!;
        }
        catch (TaskFailedException e)
        {
            var problem = new ScheduleProblem(e.FailureDetails.ErrorType, ErrorText.Shorten(e.FailureDetails.ErrorMessage, ScheduleProblem.MaxLength));
            return new ScheduleLook(state with { Problem = problem }, context.CurrentUtcDateTime + RetryDelay);
        }
    }

    private static async Task<ScheduleState> WaitAsync(OrchestrationContext context, ScheduleState state, DateTimeOffset? wakeAt)
    {
        using var ending = new CancellationTokenSource();
        var asked = context.WaitForExternalEventAsync(EventNames.Schedule, ending.Token);
        try
        {
            if (wakeAt is { } time)
            {
                await Task.WhenAny(asked, context.CreateTimerAsync(time, ending.Token));
            }
            else
            {
                await asked;
            }

            return !asked.IsCompleted ? state : await asked switch
            {
                Pause => state with { IsPaused = true },
                Resume => state with { IsPaused = false, After = state.IsPaused ? context.CurrentUtcDateTime : state.After },
                _ => state,
            };
        }
        finally
        {
            ending.Cancel();
        }
    }

    private static string Write(ScheduleState state) => JsonSerializer.Serialize(state, CoreJsonContext.Default.ScheduleState);
}
