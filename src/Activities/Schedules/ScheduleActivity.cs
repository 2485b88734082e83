using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Polyphony.Core.Client;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;
using Polyphony.Core.Runs;
using Polyphony.Core.Schedules;
using Polyphony.Expressions;

namespace Polyphony.Activities.Schedules;

/// <summary>
/// Looks at a schedule: starts what is due, as a client does, and says when to look again. It may run more than once for one look, and on several hosts: a due time gives an id, and an id is used once.
/// What cannot be started now stays due, and is missed from a minute on. Thread-safe.
/// </summary>
/// <param name="client">Gets what starts workflows; called once the engine runs.</param>
/// <param name="isOn">Whether this host starts what is due.</param>
/// <param name="timeProvider">The clock.</param>
/// <param name="loggerFactory">Makes the logger.</param>
internal sealed class ScheduleActivity(Func<WorkflowClient> client, bool isOn, TimeProvider timeProvider, ILoggerFactory loggerFactory)
{
    /// <summary>Up to how late a due time counts as kept.</summary>
    public static readonly TimeSpan Tolerance = TimeSpan.FromMinutes(1);

    /// <summary>How long to wait at most before the next look: storage holds no timers of any length, and the rules of time zones change.</summary>
    public static readonly TimeSpan LongestWait = TimeSpan.FromDays(1);

    // Timers of some engines fire up to a second early.
    private static readonly TimeSpan Early = TimeSpan.FromSeconds(2);

    private readonly ILogger _log = loggerFactory.ForActivities();

    /// <summary>Adds the activity to a registry.</summary>
    /// <param name="registry">The registry.</param>
    /// <returns>The registry.</returns>
    public DurableRegistry Register(DurableRegistry registry) => registry.AddActivity(TaskNames.StartDue, async (context, input) =>
        JsonSerializer.Serialize(await RunAsync(JsonSerializer.Deserialize(input!, CoreJsonContext.Default.ScheduleState)!, context.CancellationToken), CoreJsonContext.Default.ScheduleLook));

    /// <summary>Looks at a schedule.</summary>
    /// <param name="state">How far it is.</param>
    /// <param name="cancellationToken">Ends the look.</param>
    /// <returns>How far it is then, and when to look again.</returns>
    public async Task<ScheduleLook> RunAsync(ScheduleState state, CancellationToken cancellationToken)
    {
        if (!isOn)
        {
            // A host that starts schedules asks for a look when it comes up.
            return new ScheduleLook(state with { IsOff = true, Next = null }, null);
        }

        state = state with { IsOff = false };
        try
        {
            return client().Catalog.Find(state.Workflow) is { } definition && definition.Schedules.FirstOrDefault(each => each.Name == state.Schedule) is { } schedule
                ? await RunAsync(definition, schedule, state, cancellationToken)
                : new ScheduleLook(state with { IsRemoved = true, Next = null }, null);
        }
        catch (PolyphonyException exception)
        {
            return Failed(state, exception);
        }
    }

    private async Task<ScheduleLook> RunAsync(WorkflowDefinition definition, ScheduleDefinition schedule, ScheduleState state, CancellationToken cancellationToken)
    {
        var times = CronTimes.Of(schedule);
        var now = timeProvider.GetUtcNow();

        // What another expression had been due for is not what this one has missed.
        state = state with { Hash = schedule.Hash, Timing = schedule.Timing, After = state.Timing is null || state.Timing == schedule.Timing ? state.After : now };
        if (state.IsPaused)
        {
            return new ScheduleLook(state with { Next = null, Problem = null }, null);
        }

        if (times.Next(state.After) is { } soon && soon > now && soon - now <= Early)
        {
            await Task.Delay(soon - now, timeProvider, cancellationToken);
            now = soon;
        }

        foreach (var due in Due(schedule, times, state.After, now))
        {
            try
            {
                var id = await StartAsync(definition, schedule, times, due, cancellationToken);
                state = state with { After = due, LastDue = due, LastInstanceId = id };
            }
            catch (PolyphonyException exception)
            {
                return Failed(state with { Next = due }, exception);
            }
        }

        var after = now > state.After ? now : state.After;
        var next = times.Next(after);
        var latest = now + LongestWait;
        return new ScheduleLook(state with { After = after, Next = next, Problem = null }, next < latest ? next : latest);
    }

    /// <summary>Lists the due times to start, oldest first: those of the last minute, and of those before it what the policy wants.</summary>
    private static IEnumerable<DateTimeOffset> Due(ScheduleDefinition schedule, CronTimes times, DateTimeOffset after, DateTimeOffset now)
    {
        var wanted = schedule.CatchUp switch { CatchUpPolicy.Skip => 0, CatchUpPolicy.One => 1, _ => ScheduleDefinition.MaxMissed };
        var kept = now - Tolerance > after ? now - Tolerance : after;
        return times.Latest(after, kept, wanted).Concat(times.Latest(kept, now, int.MaxValue));
    }

    private async Task<string> StartAsync(WorkflowDefinition definition, ScheduleDefinition schedule, CronTimes times, DateTimeOffset due, CancellationToken cancellationToken)
    {
        var id = ScheduleIds.OfStart(definition.Name, schedule.Name, due);
        var input = schedule.Input?.Evaluate(Scope(definition, schedule, times, due)).ToJson() ?? JsonElement.Parse("{}"u8);
        try
        {
            await client().StartAsync(definition, input, new StartWorkflowOptions { InstanceId = id }, cancellationToken);
            _log.DueStarted(definition.Name, schedule.Name, due, id);
        }
        catch (InstanceExistsException)
        {
            _log.DueStartedBefore(definition.Name, schedule.Name, due, id);
        }

        return id;
    }

    private static ExpressionScope Scope(WorkflowDefinition definition, ScheduleDefinition schedule, CronTimes times, DateTimeOffset due)
    {
        var local = times.ToLocal(due);
        return new ExpressionScope(new Dictionary<string, ExpressionValue>(StringComparer.Ordinal)
        {
            ["workflow"] = Members(("name", definition.Name)),
            ["schedule"] = Members(
                ("name", schedule.Name), ("due", Text(due, "yyyy-MM-dd'T'HH:mm:ss'Z'")), ("date", Text(local, "yyyy-MM-dd")), ("time", Text(local, "HH:mm:ss"))),
        });
    }

    private static string Text(DateTimeOffset time, string format) => time.ToString(format, CultureInfo.InvariantCulture);

    private static ExpressionValue Members(params (string Name, string Text)[] members) => ExpressionValue.FromMembers(
        members.ToDictionary(member => member.Name, member => ExpressionValue.FromString(member.Text), StringComparer.Ordinal));

    private ScheduleLook Failed(ScheduleState state, PolyphonyException exception)
    {
        var problem = new ScheduleProblem(exception.Code, ErrorText.Shorten(exception.Message, ScheduleProblem.MaxLength));
        if (problem != state.Problem)
        {
            _log.DueNotStarted(state.Workflow, state.Schedule, problem.Code, problem.Message);
        }

        return new ScheduleLook(state with { Problem = problem }, timeProvider.GetUtcNow() + ScheduleOrchestration.RetryDelay);
    }
}
