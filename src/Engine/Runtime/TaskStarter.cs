using Polyphony.Core.Durable.History;

namespace Polyphony.Engine.Runtime;

/// <summary>Hands what instances have asked for, once it is committed, to the activities and the timers.</summary>
internal sealed class TaskStarter(ActivityDispatcher activities, TimerQueue timers, TimeProvider clock)
{
    /// <summary>Begins what a committed step asked for, or what was open when the engine stopped.</summary>
    internal void Begin(Instance instance, int generation, HistoryEvent action)
    {
        switch (action)
        {
            case TaskScheduled e:
                activities.Start(instance, generation, e);
                break;
            case TaskCancelled e:
                activities.Cancel(instance, generation, e.TaskId);
                break;
            case TimerCreated e:
                timers.Add(e.FireAt, instance, generation, e.TaskId, () => instance.Post(new Message { Event = new TimerFired(e.TaskId), Generation = generation, NotBefore = e.FireAt }));
                break;
            default:
                break;
        }
    }

    /// <summary>Has an instance take its first step when it is time.</summary>
    internal void KickAt(Instance instance, DateTimeOffset? startAt)
    {
        if (startAt is { } at && at > clock.GetUtcNow())
        {
            timers.Add(at, () => instance.Post(Message.Kick()));
        }
        else
        {
            instance.Post(Message.Kick());
        }
    }
}
