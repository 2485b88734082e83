namespace Polyphony.Engine.Simulation;

/// <summary>
/// A clock that stands still while there is work and jumps to the next timer when there is none, so that waits of days take no time.
/// </summary>
/// <remarks>
/// It watches the engines that were started with it. An activity counts as work unless it waits on this clock (with
/// <c>Task.Delay(delay, clock)</c> or a timeout): one that waits for anything else holds the time back, until it ends or the clock is moved
/// with <see cref="Advance"/>. Test code does not count: take a <see cref="Hold"/> while a test acts and time must not pass. Thread-safe.
/// </remarks>
public sealed class SkippingClock : TimeProvider
{
    /// <summary>Where a clock starts if nothing else is said: 2026-01-01 at midnight, UTC.</summary>
    public static readonly DateTimeOffset DefaultStart = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly Lock _gate = new();
    private readonly PriorityQueue<(SkippingTimer Timer, long Version), (long Due, long Order)> _timers = new();
    private readonly List<IIdleness> _watched = [];
    private readonly long _start;
    private long _now;
    private long _order;
    private int _holds;

    /// <summary>Makes a clock.</summary>
    /// <param name="start">The time it begins at; <see cref="DefaultStart"/> by default.</param>
    public SkippingClock(DateTimeOffset? start = null) => _now = _start = (start ?? DefaultStart).UtcTicks;

    /// <inheritdoc/>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <inheritdoc/>
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => new(Volatile.Read(ref _now), TimeSpan.Zero);

    /// <inheritdoc/>
    public override long GetTimestamp() => Volatile.Read(ref _now) - _start;

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new SkippingTimer(this, callback, state, WorkScope.Current);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Keeps the clock from jumping by itself until the result is disposed.</summary>
    /// <returns>The hold.</returns>
    public IDisposable Hold()
    {
        lock (_gate)
        {
            _holds++;
        }

        return new HoldEnd(this);
    }

    /// <summary>Moves the clock on and fires what becomes due, in order.</summary>
    /// <param name="by">How far; zero or more.</param>
    public void Advance(TimeSpan by)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(by, TimeSpan.Zero);
        using var hold = Hold();
        var target = Volatile.Read(ref _now) + by.Ticks;
        while (TryTake(target) is { } timer)
        {
            timer.Fire();
        }

        lock (_gate)
        {
            _now = Math.Max(_now, target);
        }
    }

    internal void Watch(IIdleness watched)
    {
        lock (_gate)
        {
            _watched.Add(watched);
        }
    }

    internal void Unwatch(IIdleness watched)
    {
        lock (_gate)
        {
            _watched.Remove(watched);
        }
    }

    /// <summary>Gets a value indicating whether nothing is left to be done before the next timer.</summary>
    internal bool IsIdle
    {
        get
        {
            lock (_gate)
            {
                return AreAllIdle;
            }
        }
    }

    // Under the gate.
    private bool AreAllIdle => _watched.Count > 0 && _watched.TrueForAll(watched => watched.IsIdle);

    /// <summary>Jumps to the next timer if nothing else can happen.</summary>
    /// <param name="holds">How many holds there may be: those of the caller.</param>
    /// <returns>Whether it did.</returns>
    internal bool TrySkip(int holds = 0)
    {
        SkippingTimer? timer;
        lock (_gate)
        {
            if (_holds > holds || !AreAllIdle)
            {
                return false;
            }

            timer = Take(long.MaxValue);
            if (timer is null)
            {
                return false;
            }

            // What the timer sets going counts as work only once it is scheduled; until then, the next timer must not overtake it.
            _holds++;
        }

        try
        {
            timer.Fire();
        }
        finally
        {
            lock (_gate)
            {
                _holds--;
            }
        }

        return true;
    }

    private SkippingTimer? TryTake(long until)
    {
        lock (_gate)
        {
            return Take(until);
        }
    }

    private SkippingTimer? Take(long until)
    {
        while (_timers.TryPeek(out var next, out var at))
        {
            if (next.Version != next.Timer.Version)
            {
                _timers.Dequeue();
                continue;
            }

            if (at.Due > until)
            {
                return null;
            }

            _timers.Dequeue();
            _now = Math.Max(_now, at.Due);
            next.Timer.Take();
            return next.Timer;
        }

        return null;
    }

    private void Poke()
    {
        IIdleness[] watched;
        lock (_gate)
        {
            watched = [.. _watched];
        }

        foreach (var each in watched)
        {
            each.Poke();
        }
    }

    private sealed class HoldEnd(SkippingClock clock) : IDisposable
    {
        private int _ended;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _ended, 1) == 0)
            {
                lock (clock._gate)
                {
                    clock._holds--;
                }

                clock.Poke();
            }
        }
    }

    private sealed class SkippingTimer(SkippingClock clock, TimerCallback callback, object? state, WorkScope? scope) : ITimer
    {
        private long _period;
        private bool _armed;

        /// <summary>Gets a number that changes with every arming, so that an old place in the queue no longer counts.</summary>
        internal long Version { get; private set; }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (clock._gate)
            {
                Version++;
                _period = period > TimeSpan.Zero ? period.Ticks : 0;
                SetArmed(dueTime >= TimeSpan.Zero);
                if (_armed)
                {
                    clock._timers.Enqueue((this, Version), (clock._now + dueTime.Ticks, clock._order++));
                }
            }

            clock.Poke();
            return true;
        }

        public void Dispose()
        {
            lock (clock._gate)
            {
                Version++;
                SetArmed(false);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        /// <summary>Takes it off the queue to fire it; a periodic one is queued again.</summary>
        internal void Take()
        {
            if (_period > 0)
            {
                clock._timers.Enqueue((this, Version), (clock._now + _period, clock._order++));
            }
            else
            {
                SetArmed(false);
            }
        }

        internal void Fire() => callback(state);

        private void SetArmed(bool armed)
        {
            if (armed != _armed)
            {
                _armed = armed;
                scope?.AddTimer(armed ? 1 : -1);
            }
        }
    }
}

/// <summary>Something whose work holds the clock back.</summary>
internal interface IIdleness
{
    /// <summary>Gets a value indicating whether nothing is left to be done at the present time.</summary>
    bool IsIdle { get; }

    /// <summary>Asks it to try a jump of the clock.</summary>
    void Poke();
}
