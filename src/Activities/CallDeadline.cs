namespace Polyphony.Activities;

/// <summary>Gives a call up when its node's time is over, also on hosts that cancel no activities.</summary>
internal sealed class CallDeadline : IDisposable
{
    // Timers take no more at once; a deadline beyond it is some hundred times the longest limit of a call.
    private static readonly TimeSpan Longest = TimeSpan.FromDays(40);

    private readonly CancellationTokenSource? _over;
    private readonly CancellationTokenSource? _either;

    public CallDeadline(DateTimeOffset? deadline, TimeProvider timeProvider, CancellationToken cancellationToken)
    {
        Token = cancellationToken;
        if (deadline is { } time)
        {
            var left = time - timeProvider.GetUtcNow();
            _over = new CancellationTokenSource(left < TimeSpan.Zero ? TimeSpan.Zero : left > Longest ? Longest : left, timeProvider);
            _either = CancellationTokenSource.CreateLinkedTokenSource(_over.Token, cancellationToken);
            Token = _either.Token;
        }
    }

    /// <summary>Gets a token that is cancelled when the time is over, or the call is cancelled.</summary>
    public CancellationToken Token { get; }

    /// <summary>Gets a value indicating whether the time is over.</summary>
    public bool IsOver => _over is { IsCancellationRequested: true };

    public void Dispose()
    {
        _either?.Dispose();
        _over?.Dispose();
    }
}
