using Polyphony.Engine.Simulation;

namespace Polyphony.Engine.Runtime;

/// <summary>All durable timers of the engine on one timer of the clock. Thread-safe.</summary>
/// <remarks>
/// Durable timers are due by the wall clock; a timer of a clock runs by its timestamps, which know nothing of a clock that is set, and on many systems
/// stand still while the machine sleeps. So the queue looks at the wall clock at least every <see cref="LongestWait"/> while anything waits.
/// </remarks>
internal sealed class TimerQueue : IDisposable
{
    /// <summary>How late a timer may be after the wall clock has jumped, the machine has slept or the process has stood still.</summary>
    internal static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(20);

    // The longest that a timer takes is about 49 days.
    private static readonly TimeSpan LongestSkip = TimeSpan.FromDays(20);

    private readonly TimeProvider _clock;
    private readonly Lock _gate = new();
    private readonly PriorityQueue<Entry, (long Due, long Order)> _queue = new();
    private readonly Dictionary<(long Instance, int Generation, int Task), Entry> _byTask = [];
    private readonly ITimer _timer;
    private readonly TimeSpan _longestWait;
    private long _order;
    private long _armedFor = long.MaxValue;
    private int _cancelled;
    private bool _stopped;

    internal TimerQueue(TimeProvider clock)
    {
        _clock = clock;

        // Its wall clock and its timestamps are one; looks in between would only be more jumps to make.
        _longestWait = clock is SkippingClock ? LongestSkip : LongestWait;
        _timer = clock.CreateTimer(static state => ((TimerQueue)state!).Fire(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Gets when the next timer is due, or <see langword="null"/> if there is none.</summary>
    internal DateTimeOffset? NextDue
    {
        get
        {
            lock (_gate)
            {
                return _queue.TryPeek(out _, out var first) ? new DateTimeOffset(first.Due, TimeSpan.Zero) : null;
            }
        }
    }

    /// <summary>Has something done at a time: at once if that is past.</summary>
    internal void Add(DateTimeOffset due, Action fire) => Add(due, new Entry(fire, null));

    /// <summary>Fires a timer of an instance unless it is cancelled before.</summary>
    internal void Add(DateTimeOffset due, Instance instance, int generation, int task, Action fire)
    {
        var key = (instance.Key, generation, task);
        var entry = new Entry(fire, key);
        lock (_gate)
        {
            _byTask[key] = entry;
        }

        Add(due, entry);
    }

    internal void Cancel(long instance, int generation, int task)
    {
        lock (_gate)
        {
            if (!_byTask.Remove((instance, generation, task), out var entry))
            {
                return;
            }

            entry.Cancelled = true;

            // Timeouts that were not needed would fill the queue for as long as they were to last.
            if (++_cancelled > 1000 && _cancelled > _queue.Count / 2)
            {
                var kept = _queue.UnorderedItems.Where(item => !item.Element.Cancelled).ToList();
                _queue.Clear();
                _queue.EnqueueRange(kept);
                _cancelled = 0;
            }

            Arm();
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _stopped = true;
        }

        _timer.Dispose();
    }

    private void Add(DateTimeOffset due, Entry entry)
    {
        lock (_gate)
        {
            if (_stopped)
            {
                return;
            }

            _queue.Enqueue(entry, (due.UtcTicks, _order++));
            Arm();
        }
    }

    private void Arm()
    {
        while (_queue.TryPeek(out var first, out _) && first.Cancelled)
        {
            _queue.Dequeue();
            _cancelled--;
        }

        var due = _queue.TryPeek(out _, out var next) ? next.Due : long.MaxValue;
        if (due == _armedFor || _stopped)
        {
            return;
        }

        _armedFor = due;
        if (due == long.MaxValue)
        {
            _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            return;
        }

        // The clock may be moved between the two calls: the timer would then be late by as much.
        long now;
        do
        {
            now = _clock.GetUtcNow().UtcTicks;

            // Rounded up, or the timer would come a fraction of a millisecond early and be armed again.
            var wait = Math.Ceiling((due - now) / (double)TimeSpan.TicksPerMillisecond);
            _timer.Change(TimeSpan.FromMilliseconds(Math.Clamp(wait, 0, _longestWait.TotalMilliseconds)), Timeout.InfiniteTimeSpan);
        }
        while (_armedFor == due && _clock.GetUtcNow().UtcTicks - now > TimeSpan.TicksPerSecond);
    }

    private void Fire()
    {
        var due = new List<Entry>();
        lock (_gate)
        {
            if (_stopped)
            {
                return;
            }

            _armedFor = long.MaxValue;
            var now = _clock.GetUtcNow().UtcTicks;
            while (_queue.TryPeek(out var entry, out var at) && (entry.Cancelled || at.Due <= now))
            {
                _queue.Dequeue();
                if (entry.Cancelled)
                {
                    _cancelled--;
                    continue;
                }

                if (entry.Key is { } key)
                {
                    _byTask.Remove(key);
                }

                due.Add(entry);
            }

            Arm();
        }

        foreach (var entry in due)
        {
            entry.Fire();
        }
    }

    private sealed class Entry(Action fire, (long, int, int)? key)
    {
        internal (long Instance, int Generation, int Task)? Key { get; } = key;

        internal bool Cancelled { get; set; }

        internal void Fire() => fire();
    }
}
