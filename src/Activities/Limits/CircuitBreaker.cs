using Polyphony.Core.Runs;

namespace Polyphony.Activities.Limits;

/// <summary>What holds a call back.</summary>
/// <param name="Wait">Until when it waits; <see langword="null"/> if it has failed.</param>
/// <param name="Error">Why it has failed although nothing was sent; <see langword="null"/> if it waits.</param>
internal sealed record HeldCall(CallWait? Wait, CallError? Error);

/// <summary>
/// Keeps calls away from a deployment that fails all of them. After some transient failures in a row nothing goes out for a while; then one call does, the probe. If it fails as well, the next while is twice as long;
/// with the first answer everything goes out again. Not thread-safe: <see cref="DeploymentGates"/> guards it.
/// </summary>
/// <remarks>
/// Whoever waits for a probe that fails has failed with it: its attempt counts, so a deployment that stays away fails every call after as many probes as the call has attempts, and none of them had to be sent for it.
/// The pattern is that of M. Nygard's "Release It!" (2007): closed, open, half-open.
/// </remarks>
internal sealed class CircuitBreaker
{
    /// <summary>How many failures in a row open it.</summary>
    public const int MaxFailures = 5;

    private const int MaxTold = 10_000;

    private static readonly TimeSpan MaxPause = TimeSpan.FromMinutes(2);

    // How long others wait while a probe is under way: it may take as long as a model call, and its answer lets them go.
    private static readonly TimeSpan ProbeWait = TimeSpan.FromSeconds(5);

    // Which opening the calls that wait were told of.
    private readonly Dictionary<string, int> _told = new(StringComparer.Ordinal);
    private int _failures;
    private int _opening;
    private TimeSpan _pause = FirstPause;
    private DateTimeOffset? _openUntil;
    private string? _probe;
    private CallError? _error;

    /// <summary>Gets how long it stays open at first; twice as long after each probe that fails, up to two minutes.</summary>
    public static TimeSpan FirstPause { get; } = TimeSpan.FromSeconds(10);

    /// <summary>Gets until when nothing goes out, or went out before the probe that is due; <see langword="null"/>: everything goes out.</summary>
    public DateTimeOffset? OpenUntil => _openUntil;

    /// <summary>Gets a value indicating whether nothing is kept here that matters.</summary>
    public bool IsIdle => _openUntil is null && _failures == 0;

    /// <summary>Says what holds a call back; <see langword="null"/>: nothing does, and <see cref="LetOut"/> follows unless something else holds it back.</summary>
    /// <param name="step">The call's step.</param>
    /// <param name="now">The time.</param>
    public HeldCall? Hold(string step, DateTimeOffset now)
    {
        if (_openUntil is not { } until || (now >= until && (_probe is null || _probe == step)))
        {
            return null;
        }

        if (_told.Remove(step, out var told) && told < _opening)
        {
            return new HeldCall(null, _error! with { Message = $"No request was sent, because the one that tried whether the deployment answers again has failed: {_error.Message}", RetryAfterMs = null });
        }

        if (_told.Count >= MaxTold)
        {
            // Of runs that ended meanwhile, as a rule. Whoever is forgotten waits once more.
            _told.Clear();
        }

        _told[step] = _opening;
        return new HeldCall(new CallWait(now < until ? until : now + ProbeWait, CallWaitReasons.CircuitOpen, CallWait.Shorten(_error!.Message)), null);
    }

    /// <summary>Notes that a call goes out.</summary>
    /// <param name="step">The call's step.</param>
    public void LetOut(string step)
    {
        if (_openUntil is not null)
        {
            _told.Remove(step);
            _probe = step;
        }
    }

    /// <summary>Notes that the deployment has answered, be it with an error of the request.</summary>
    /// <returns>Whether nothing went out before.</returns>
    public bool Succeed()
    {
        var wasOpen = _openUntil is not null;
        _failures = 0;
        _pause = FirstPause;
        _openUntil = null;
        _probe = null;
        _error = null;
        _told.Clear();
        return wasOpen;
    }

    /// <summary>Notes a transient failure.</summary>
    /// <param name="step">The call's step.</param>
    /// <param name="error">The failure.</param>
    /// <param name="now">The time.</param>
    /// <returns>Until when nothing goes out, if it has opened by this.</returns>
    public DateTimeOffset? Fail(string step, CallError error, DateTimeOffset now)
    {
        if (_openUntil is null)
        {
            _failures++;
            return _failures < MaxFailures ? null : Open(error, now);
        }

        // Others that fail now went out before it opened, and say nothing new.
        if (_probe != step)
        {
            return null;
        }

        _pause = _pause * 2 < MaxPause ? _pause * 2 : MaxPause;
        return Open(error, now);
    }

    /// <summary>Notes that a call was cancelled: if it was the probe, the next one is.</summary>
    /// <param name="step">The call's step.</param>
    public void Cancel(string step) => _probe = _probe == step ? null : _probe;

    private DateTimeOffset? Open(CallError error, DateTimeOffset now)
    {
        _opening++;
        _probe = null;
        _error = error;
        return _openUntil = now + _pause;
    }
}
