namespace Polyphony.Core.Runs;

/// <summary>
/// What a run may still use. Checked before each model call, and when one has ended. Calls that are set aside for a child come back when it has ended, so whoever
/// needs one of them waits for that; only calls that are used up are a reason to stop. For one orchestration: not thread-safe.
/// </summary>
internal sealed class RunBudget(RunLimits limits)
{
    private readonly List<TaskCompletionSource> _waiting = [];
    private int _reservedCalls;
    private int _underWay;

    public int CallsStarted { get; private set; }

    public Usage Used { get; private set; } = Usage.None;

    /// <summary>Gets the limit that is used up, if any.</summary>
    public StopReason? Reached =>
        limits.MaxModelCalls is { } calls && CallsStarted >= calls ? StopReason.MaxModelCalls
        : limits.MaxTokens is { } tokens && Used.Tokens >= tokens ? StopReason.MaxTokens
        : limits.MaxCostUsd is { } cost && Used.CostUsd >= cost ? StopReason.MaxCost
        : null;

    /// <summary>Gets a value indicating whether model calls, or children with a share, are under way.</summary>
    public bool HasUnderWay => _underWay > 0;

    /// <summary>Gets a value indicating whether model calls are limited in number.</summary>
    public bool LimitsCalls => limits.MaxModelCalls is not null;

    /// <summary>Gets the calls that are neither used nor set aside.</summary>
    private int FreeCalls => limits.MaxModelCalls is { } calls ? Math.Max(0, calls - CallsStarted - _reservedCalls) : int.MaxValue;

    public void Restore(int callsStarted, Usage used)
    {
        CallsStarted = callsStarted;
        Used = used;
    }

    /// <summary>Takes one model call, as soon as one is free, unless a limit is reached.</summary>
    /// <param name="stopping">Ends the wait; whoever waits looks for itself whether it is to stop.</param>
    /// <returns>The limit that is reached, or <see langword="null"/>: the call was taken, or the wait was ended.</returns>
    public async ValueTask<StopReason?> TakeCallAsync(CancellationToken stopping)
    {
        while (Reached is null && FreeCalls == 0)
        {
            if (!await WaitAsync(stopping))
            {
                return null;
            }
        }

        var reached = Reached;
        if (reached is null)
        {
            CallsStarted++;
            _underWay++;
        }

        return reached;
    }

    /// <summary>Books what the call has used that was begun with <see cref="TakeCallAsync"/>.</summary>
    public void Add(Usage usage)
    {
        _underWay--;
        Used += usage;
    }

    /// <summary>Gives a call back that was taken for an answer that already exists.</summary>
    public void GiveBackCall()
    {
        _underWay--;
        CallsStarted--;
    }

    /// <summary>Sets a share aside for a child, so that several children together stay within the limits.</summary>
    /// <param name="wantedCalls">How many model calls the child is to have, if there are as many.</param>
    /// <param name="shares">Into how many parts what is left of tokens and money is divided.</param>
    public Share Reserve(int wantedCalls, int shares)
    {
        int? calls = null;
        _underWay++;
        if (limits.MaxModelCalls is not null)
        {
            calls = Math.Min(FreeCalls, wantedCalls);
            _reservedCalls += calls.Value;
        }

        return new Share(calls, new RunLimits(
            MaxModelCalls: calls,
            MaxTokens: limits.MaxTokens is { } tokens ? Math.Max(1, (tokens - Used.Tokens) / shares) : null,
            MaxCostUsd: limits.MaxCostUsd is { } cost ? Math.Max(0.000001m, (cost - Used.CostUsd) / shares) : null));
    }

    /// <summary>Waits until so many calls are free, or as many as there ever will be.</summary>
    /// <param name="wantedCalls">How many.</param>
    /// <param name="stopping">Ends the wait.</param>
    public async ValueTask WaitForCallsAsync(int wantedCalls, CancellationToken stopping)
    {
        while (FreeCalls < wantedCalls && _reservedCalls > 0 && Reached is null && await WaitAsync(stopping))
        {
        }
    }

    /// <summary>Takes back a share and books what the child has used.</summary>
    public void Settle(Share share, int callsStarted, Usage used)
    {
        _underWay--;
        _reservedCalls -= share.ModelCalls ?? 0;
        CallsStarted += callsStarted;
        Used += used;

        // In the order in which they came; each continues in place, as everything in an orchestration.
        foreach (var waiting in _waiting.ToArray())
        {
            waiting.TrySetResult();
        }
    }

    /// <summary>Waits until a share has come back.</summary>
    /// <returns>Whether it was that what ended the wait.</returns>
    private async Task<bool> WaitAsync(CancellationToken stopping)
    {
        if (stopping.IsCancellationRequested)
        {
            return false;
        }

        var settled = new TaskCompletionSource();
        _waiting.Add(settled);
        using (stopping.Register(static state => ((TaskCompletionSource)state!).TrySetResult(), settled))
        {
            await settled.Task;
        }

        _waiting.Remove(settled);
        return !stopping.IsCancellationRequested;
    }

    /// <summary>A share of the budget.</summary>
    internal sealed record Share(int? ModelCalls, RunLimits Limits);
}
