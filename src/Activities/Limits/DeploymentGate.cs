using Polyphony.Core.Client;
using Polyphony.Core.Definitions;
using Polyphony.Core.Runs;

namespace Polyphony.Activities.Limits;

/// <summary>
/// When calls of one deployment may go out: not while the provider has asked for a pause, not while it fails them all (<see cref="CircuitBreaker"/>), and not more of them, or of their tokens, in any sixty seconds than the
/// model says.
/// Whoever has to wait is told until when and holds nothing meanwhile. Not thread-safe: <see cref="DeploymentGates"/> guards it.
/// </summary>
/// <remarks>
/// <para>Requests are let out in the order in which they asked: each that finds no room is given a time of its own and is expected then. One that comes later than that
/// is let through if there is room at that moment, and given another time if not, so the limit holds whatever the waits do.</para>
/// <para>Tokens are known only when the answer is there. Until then a call counts as much as the last one of the deployment did, so calls that are under way together may
/// exceed the limit by as much as they differ from that.</para>
/// </remarks>
internal sealed class DeploymentGate
{
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private readonly CircuitBreaker _breaker = new();

    // Those of the last window and those expected, by time.
    private readonly List<Entry> _entries = [];
    private DateTimeOffset _pausedUntil = DateTimeOffset.MinValue;
    private string? _pauseMessage;
    private long _lastTokens;
    private int? _requestsPerMinute;
    private long? _tokensPerMinute;

    /// <summary>Lets a call out, or says what holds it back.</summary>
    /// <param name="step">The call's step.</param>
    /// <param name="model">The limits.</param>
    /// <param name="longest">The longest wait for which a place is kept; <see langword="null"/>: any.</param>
    /// <param name="now">The time.</param>
    /// <returns>What holds it back; <see langword="null"/>: it may go out.</returns>
    public HeldCall? Enter(string step, ModelDefinition model, TimeSpan? longest, DateTimeOffset now)
    {
        (_requestsPerMinute, _tokensPerMinute) = (model.RequestsPerMinute, model.TokensPerMinute);
        if (_pausedUntil > now)
        {
            return new HeldCall(new CallWait(_pausedUntil, CallWaitReasons.RetryAfter, _pauseMessage), null);
        }

        if (_breaker.Hold(step, now) is { } held)
        {
            return held;
        }

        if (WaitForLimits(step, model, longest, now) is { } wait)
        {
            return new HeldCall(wait, null);
        }

        _breaker.LetOut(step);
        return null;
    }

    /// <summary>Books what a call that was let out, and answered, has used.</summary>
    /// <param name="step">The call's step.</param>
    /// <param name="tokens">The tokens, in and out.</param>
    /// <returns>Whether it is the first answer after failures for which nothing went out.</returns>
    public bool Leave(string step, long tokens)
    {
        Book(step, tokens);
        return _breaker.Succeed();
    }

    /// <summary>Books that a call that was let out has failed.</summary>
    /// <param name="step">The call's step.</param>
    /// <param name="error">The failure.</param>
    /// <param name="now">The time.</param>
    /// <returns>Until when nothing goes out, if nothing does from now on.</returns>
    public DateTimeOffset? Fail(string step, CallError error, DateTimeOffset now)
    {
        Book(step, 0);
        if (error is { Kind: not ErrorKind.Terminal, RetryAfterMs: > 0 and { } after })
        {
            Pause(now.AddMilliseconds(after), CallWait.Shorten(error.Message));
        }

        if (error.Kind == ErrorKind.Transient && error.RetryAfterMs is not > 0)
        {
            return _breaker.Fail(step, error, now);
        }

        // It has refused the request, or asked to slow down: it is there.
        _breaker.Succeed();
        return null;
    }

    /// <summary>Books that a call that was let out was cancelled.</summary>
    /// <param name="step">The call's step.</param>
    public void Cancel(string step)
    {
        Book(step, 0);
        _breaker.Cancel(step);
    }

    /// <summary>Whether nothing is kept here that matters any more.</summary>
    /// <param name="now">The time.</param>
    public bool IsIdle(DateTimeOffset now)
    {
        Forget(now);
        return _pausedUntil <= now && _entries.Count == 0 && _breaker.IsIdle;
    }

    /// <summary>Tells what was used in the last sixty seconds.</summary>
    /// <param name="described">The deployment.</param>
    /// <param name="now">The time.</param>
    /// <returns>The deployment with its use and limits.</returns>
    public DeploymentUse Describe(DeploymentUse described, DateTimeOffset now)
    {
        Forget(now);
        var used = _entries.Where(entry => !entry.IsExpected).ToList();
        return described with
        {
            RequestsLastMinute = used.Count,
            RequestsPerMinute = _requestsPerMinute,
            TokensLastMinute = used.Sum(entry => entry.Tokens),
            TokensPerMinute = _tokensPerMinute,
            Throttled = _entries.Count - used.Count,
            PausedUntil = _pausedUntil > now ? _pausedUntil : null,
            FailingUntil = _breaker.OpenUntil,
        };
    }

    private CallWait? WaitForLimits(string step, ModelDefinition model, TimeSpan? longest, DateTimeOffset now)
    {
        if (model is { RequestsPerMinute: null, TokensPerMinute: null })
        {
            return null;
        }

        Forget(now);
        var expected = _entries.FindLast(entry => entry.Step == step && entry.IsExpected);
        if (expected is not null && expected.At > now)
        {
            return new CallWait(expected.At, CallWaitReasons.RequestsPerMinute);
        }

        if (expected is not null)
        {
            _entries.Remove(expected);
        }

        if (model.TokensPerMinute is { } tokens && FreeOfTokens(tokens, now) is { } later)
        {
            return new CallWait(later, CallWaitReasons.TokensPerMinute);
        }

        if (model.RequestsPerMinute is { } requests && FreeOfRequests(requests, now, comesBack: expected is not null) is { } place)
        {
            if (longest is null || place - now <= longest)
            {
                Add(new Entry(step, place) { IsExpected = true });
            }

            return new CallWait(place, CallWaitReasons.RequestsPerMinute);
        }

        Add(new Entry(step, now) { Tokens = _lastTokens });
        return null;
    }

    private void Book(string step, long tokens)
    {
        if (_entries.FindLast(entry => entry.Step == step && !entry.IsExpected) is { } entry)
        {
            entry.Tokens = tokens;
        }

        _lastTokens = tokens > 0 ? tokens : _lastTokens;
    }

    // One that ends before the pause that is changes nothing.
    private void Pause(DateTimeOffset until, string message)
    {
        if (until > _pausedUntil)
        {
            _pausedUntil = until;
            _pauseMessage = message;
        }
    }

    private void Forget(DateTimeOffset now)
    {
        var old = 0;
        while (old < _entries.Count && _entries[old].At <= now - Window)
        {
            old++;
        }

        _entries.RemoveRange(0, old);
    }

    private DateTimeOffset? FreeOfRequests(int limit, DateTimeOffset now, bool comesBack)
    {
        // Whoever comes back stood before those that are still expected.
        var counted = comesBack ? _entries.Count(entry => entry.At <= now) : _entries.Count;
        return counted < limit ? null : _entries[^limit].At + Window;
    }

    private DateTimeOffset? FreeOfTokens(long limit, DateTimeOffset now)
    {
        var used = _entries.Where(entry => entry.At <= now).Sum(entry => entry.Tokens);
        foreach (var entry in _entries)
        {
            if (used < limit)
            {
                return null;
            }

            used -= entry.Tokens;
            if (used < limit)
            {
                return entry.At + Window;
            }
        }

        return null;
    }

    private void Add(Entry added)
    {
        var place = _entries.Count;
        while (place > 0 && _entries[place - 1].At > added.At)
        {
            place--;
        }

        _entries.Insert(place, added);
    }

    private sealed class Entry(string step, DateTimeOffset at)
    {
        public string Step => step;

        public DateTimeOffset At => at;

        public bool IsExpected { get; init; }

        public long Tokens { get; set; }
    }
}
