namespace Polyphony.Engine.Tests.Runtime;

/// <summary>A clock whose wall time can be set like that of a machine, while its timers run by elapsed time alone, as those of an operating system do.</summary>
internal sealed class WallClock : TimeProvider
{
    private readonly Lock _gate = new();
    private readonly List<WallTimer> _timers = [];
    private long _elapsed;
    private long _wall = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero).UtcTicks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Interlocked.Read(ref _elapsed);

    /// <summary>Gets or sets what happens once, right after the wall clock is read the next time.</summary>
    public Action? AfterRead { get; set; }

    public override DateTimeOffset GetUtcNow()
    {
        var now = new DateTimeOffset(Interlocked.Read(ref _wall), TimeSpan.Zero);
        var after = AfterRead;
        AfterRead = null;
        after?.Invoke();
        return now;
    }

    /// <summary>Sets the wall clock on (or back, if negative); no time passes.</summary>
    public void Set(TimeSpan by) => Interlocked.Add(ref _wall, by.Ticks);

    /// <summary>Lets time pass.</summary>
    public void Pass(TimeSpan time)
    {
        var end = _elapsed + time.Ticks;
        while (true)
        {
            WallTimer? next;
            lock (_gate)
            {
                next = _timers.Where(timer => timer.Due <= end).MinBy(timer => timer.Due);
                var until = Math.Max(next?.Due ?? end, _elapsed);
                Interlocked.Add(ref _wall, until - _elapsed);
                Interlocked.Exchange(ref _elapsed, until);
                if (next is not null)
                {
                    _timers.Remove(next);
                }
            }

            if (next is null)
            {
                return;
            }

            next.Fire();
        }
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new WallTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class WallTimer(WallClock clock, TimerCallback callback, object? state) : ITimer
    {
        internal long Due { get; private set; }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (clock._gate)
            {
                clock._timers.Remove(this);
                if (dueTime >= TimeSpan.Zero)
                {
                    Due = clock._elapsed + dueTime.Ticks;
                    clock._timers.Add(this);
                }

                return true;
            }
        }

        public void Dispose() => Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        internal void Fire() => callback(state);
    }
}
