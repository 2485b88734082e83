using Microsoft.DurableTask.Client;
using Polyphony.Core.Durable;

namespace Polyphony.DurableFunctions.Durable;

/// <summary>
/// Cancels activities whose instance has ended or does not wait for them any more (<see cref="CancellableCalls"/>). Durable Task tells an activity nothing, so whoever is still under way
/// after <see cref="Period"/> looks: every so often, once for all activities of an instance on this host. Thread-safe.
/// </summary>
/// <param name="timeProvider">The clock.</param>
public sealed class InstanceWatch(TimeProvider timeProvider)
{
    /// <summary>The interval at which instances with activities under way are checked, and so the maximum delay until an activity learns that it is cancelled: 5 seconds.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How many looks in a row find no instance before it counts as purged: once it was seen, the second. Before that its first step may not be written yet, since Azure Storage sends out what a step
    /// calls first; a host that crashed between the two repeats the step within minutes.
    /// </summary>
    private const int MissesOfSeen = 2, MissesOfUnseen = 60;

    private readonly Dictionary<string, Watched> _watched = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();

    /// <summary>
    /// Runs an activity. When nobody waits for it any more it is cancelled; what it returns or throws then is dropped. One that heeds no cancellation is left behind with the look after that,
    /// since the run can't end before this method returns.
    /// </summary>
    /// <param name="client">What the looks go through.</param>
    /// <param name="function">The activity.</param>
    /// <param name="context">Which run this is; its token is the host's.</param>
    /// <param name="input">The input, as the orchestration has passed it.</param>
    /// <returns>The result; <see langword="null"/> for an activity that was cancelled.</returns>
    public async Task<RawJson?> RunAsync(DurableTaskClient client, ActivityFunction function, ActivityContext context, RawJson? input)
    {
        var (number, own) = CancellableCalls.Unwrap(input);
        var activity = new Activity(number);
        var watched = Enter(client, context.InstanceId, activity);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, activity.Unwanted.Token);
        try
        {
            var run = ActivityAdapter.RunAsync(function, context with { CancellationToken = either.Token }, own);
            return await Task.WhenAny(run, activity.LeftBehind.Task) == run ? await run : null;
        }
        catch (Exception) when (activity.Unwanted.IsCancellationRequested && !context.CancellationToken.IsCancellationRequested)
        {
            return null;
        }
        finally
        {
            Leave(watched, activity);
        }
    }

    private Watched Enter(DurableTaskClient client, string instanceId, Activity activity)
    {
        lock (_gate)
        {
            if (!_watched.TryGetValue(instanceId, out var watched))
            {
                _watched.Add(instanceId, watched = new Watched(instanceId));
                _ = LookAsync(client, watched);
            }

            watched.Activities.Add(activity);
            return watched;
        }
    }

    private void Leave(Watched watched, Activity activity)
    {
        lock (_gate)
        {
            watched.Activities.Remove(activity);
            if (watched.Activities.Count == 0)
            {
                _watched.Remove(watched.InstanceId);
                watched.Left.TrySetResult();
            }
        }
    }

    private async Task LookAsync(DurableTaskClient client, Watched watched)
    {
        var missing = 0;
        var seen = false;
        var ended = false;
        using var timer = new PeriodicTimer(Period, timeProvider);
        while (true)
        {
            var tick = timer.WaitForNextTickAsync().AsTask();
            if (await Task.WhenAny(tick, watched.Left.Task) != tick)
            {
                return;
            }

            IReadOnlySet<long> cancelled = new HashSet<long>();
            if (!ended)
            {
                try
                {
                    // The custom status is among the inputs and outputs for Durable Task.
                    var found = await client.GetInstanceAsync(watched.InstanceId, getInputsAndOutputs: true);
                    seen |= found is not null;
                    missing = found is null ? missing + 1 : 0;
                    ended = found is { IsCompleted: true } || missing >= (seen ? MissesOfSeen : MissesOfUnseen);
                    cancelled = CancellableCalls.CancelledOf(found?.SerializedCustomStatus);
                }
                catch (Exception)
                {
                    // The look fails, the activity does not: there is another look.
                    continue;
                }
            }

            foreach (var activity in Unwanted(watched, ended, cancelled))
            {
                if (activity.Unwanted.IsCancellationRequested)
                {
                    activity.LeftBehind.TrySetResult();
                }
                else
                {
                    await activity.Unwanted.CancelAsync();
                }
            }
        }
    }

    private List<Activity> Unwanted(Watched watched, bool ended, IReadOnlySet<long> cancelled)
    {
        lock (_gate)
        {
            return [.. watched.Activities.Where(activity => ended || activity.Unwanted.IsCancellationRequested || (activity.Number is { } number && cancelled.Contains(number)))];
        }
    }

    /// <summary>An activity under way, and its number among the calls that can be cancelled.</summary>
#pragma warning disable CA1001 // A source of cancellation without a timer and a handle holds nothing to be disposed of.
    private sealed class Activity(long? number)
    {
        public long? Number => number;

        public CancellationTokenSource Unwanted { get; } = new();

        public TaskCompletionSource LeftBehind { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
#pragma warning restore CA1001

    /// <summary>An instance with activities under way on this host.</summary>
    private sealed class Watched(string instanceId)
    {
        public string InstanceId => instanceId;

        public HashSet<Activity> Activities { get; } = [];

        public TaskCompletionSource Left { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
