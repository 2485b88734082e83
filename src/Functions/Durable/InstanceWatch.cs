using Microsoft.DurableTask.Client;
using Polyphony.Core.Durable;

namespace Polyphony.Functions.Durable;

/// <summary>
/// Cancels activities whose instance has ended. Durable Task tells an activity nothing about its instance, so whoever takes longer than <see cref="Period"/> looks: every so often, once for all
/// activities of an instance on this host. Thread-safe.
/// </summary>
/// <param name="timeProvider">The clock.</param>
public sealed class InstanceWatch(TimeProvider timeProvider)
{
    /// <summary>How long an activity is under way before the first look at its instance, and how long it is from one look to the next: 5 seconds.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromSeconds(5);

    private readonly Dictionary<string, Watched> _watched = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();

    /// <summary>Runs an activity. When its instance ends meanwhile it is cancelled; what it returns or throws then is dropped, for nobody reads it.</summary>
    /// <param name="client">What the looks go through.</param>
    /// <param name="function">The activity.</param>
    /// <param name="context">Which run this is; its token is the host's.</param>
    /// <param name="input">The input.</param>
    /// <returns>The result; <see langword="null"/> for an activity that was cancelled.</returns>
    public async Task<RawJson?> RunAsync(DurableTaskClient client, ActivityFunction function, ActivityContext context, RawJson? input)
    {
        var activity = new Activity(timeProvider.GetTimestamp());
        var watched = Enter(client, context.InstanceId, activity);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, watched.Ended.Token);
        try
        {
            return await ActivityAdapter.RunAsync(function, context with { CancellationToken = either.Token }, input);
        }
        catch (Exception) when (watched.Ended.IsCancellationRequested && !context.CancellationToken.IsCancellationRequested)
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
        using var timer = new PeriodicTimer(Period, timeProvider);
        while (true)
        {
            var tick = timer.WaitForNextTickAsync().AsTask();
            if (await Task.WhenAny(tick, watched.Left.Task) != tick)
            {
                return;
            }

            if (!HasLong(watched))
            {
                continue;
            }

            bool ended;
            try
            {
                var found = await client.GetInstanceAsync(watched.InstanceId, getInputsAndOutputs: false);
                missing = found is null ? missing + 1 : 0;

                // A row that is missing once may only be late; one that stays away was purged.
                ended = found is { IsCompleted: true } || missing > 1;
            }
            catch (Exception)
            {
                // The look fails, the activity does not: there is another look.
                continue;
            }

            if (ended)
            {
                await watched.Ended.CancelAsync();
                return;
            }
        }
    }

    private bool HasLong(Watched watched)
    {
        lock (_gate)
        {
            return watched.Activities.Any(activity => timeProvider.GetElapsedTime(activity.Begun) >= Period);
        }
    }

    /// <summary>An activity under way, and when it began.</summary>
    private sealed class Activity(long begun)
    {
        public long Begun => begun;
    }

    /// <summary>An instance with activities under way on this host.</summary>
#pragma warning disable CA1001 // A source of cancellation without a timer and a handle holds nothing to be disposed of.
    private sealed class Watched(string instanceId)
    {
        public string InstanceId => instanceId;

        public HashSet<Activity> Activities { get; } = [];

        public CancellationTokenSource Ended { get; } = new();

        public TaskCompletionSource Left { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
#pragma warning restore CA1001
}
