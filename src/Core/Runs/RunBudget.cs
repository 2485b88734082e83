namespace Polyphony.Core.Runs;

/// <summary>
/// What a run may still use. Checked before each model call, and when one has ended. Turns that are set aside for a child come back when it has ended, so whoever
/// needs one of them waits for that; only turns that are used up are a reason to stop. For one orchestration: not thread-safe.
/// </summary>
internal sealed class RunBudget(RunLimits limits)
{
    private readonly List<TaskCompletionSource> _waiting = [];
    private int _reservedTurns;
    private int _underWay;

    public int TurnsStarted { get; private set; }

    public Usage Used { get; private set; } = Usage.None;

    /// <summary>Gets the limit that is used up, if any.</summary>
    public StopReason? Reached =>
        limits.MaxTurns is { } turns && TurnsStarted >= turns ? StopReason.MaxTurns
        : limits.MaxTokens is { } tokens && Used.Tokens >= tokens ? StopReason.MaxTokens
        : limits.MaxCostUsd is { } cost && Used.CostUsd >= cost ? StopReason.MaxCost
        : null;

    /// <summary>Gets a value indicating whether model calls, or children with a share, are under way.</summary>
    public bool HasUnderWay => _underWay > 0;

    /// <summary>Gets a value indicating whether model calls are limited in number.</summary>
    public bool LimitsTurns => limits.MaxTurns is not null;

    /// <summary>Gets the turns that are neither used nor set aside.</summary>
    private int FreeTurns => limits.MaxTurns is { } turns ? Math.Max(0, turns - TurnsStarted - _reservedTurns) : int.MaxValue;

    public void Restore(int turnsStarted, Usage used)
    {
        TurnsStarted = turnsStarted;
        Used = used;
    }

    /// <summary>Takes one model call, as soon as one is free, unless a limit is reached.</summary>
    /// <param name="stopping">Ends the wait; whoever waits looks for itself whether it is to stop.</param>
    /// <returns>The limit that is reached, or <see langword="null"/>: the turn was taken, or the wait was ended.</returns>
    public async ValueTask<StopReason?> TakeTurnAsync(CancellationToken stopping)
    {
        while (Reached is null && FreeTurns == 0)
        {
            if (!await WaitAsync(stopping))
            {
                return null;
            }
        }

        var reached = Reached;
        if (reached is null)
        {
            TurnsStarted++;
            _underWay++;
        }

        return reached;
    }

    /// <summary>Books what the call has used that was begun with <see cref="TakeTurnAsync"/>.</summary>
    public void Add(Usage usage)
    {
        _underWay--;
        Used += usage;
    }

    /// <summary>Gives a turn back that was taken for an answer that is there already.</summary>
    public void GiveBackTurn()
    {
        _underWay--;
        TurnsStarted--;
    }

    /// <summary>Sets a share aside for a child, so that several children together stay within the limits.</summary>
    /// <param name="wantedTurns">How many model calls the child is to have, if there are as many.</param>
    /// <param name="shares">Into how many parts what is left of tokens and money is divided.</param>
    public Share Reserve(int wantedTurns, int shares)
    {
        int? turns = null;
        _underWay++;
        if (limits.MaxTurns is not null)
        {
            turns = Math.Min(FreeTurns, wantedTurns);
            _reservedTurns += turns.Value;
        }

        return new Share(turns, new RunLimits(
            MaxTurns: turns,
            MaxTokens: limits.MaxTokens is { } tokens ? Math.Max(1, (tokens - Used.Tokens) / shares) : null,
            MaxCostUsd: limits.MaxCostUsd is { } cost ? Math.Max(0.000001m, (cost - Used.CostUsd) / shares) : null));
    }

    /// <summary>Waits until so many turns are free, or as many as there ever will be.</summary>
    /// <param name="wantedTurns">How many.</param>
    /// <param name="stopping">Ends the wait.</param>
    public async ValueTask WaitForTurnsAsync(int wantedTurns, CancellationToken stopping)
    {
        while (FreeTurns < wantedTurns && _reservedTurns > 0 && Reached is null && await WaitAsync(stopping))
        {
        }
    }

    /// <summary>Takes back a share and books what the child has used.</summary>
    public void Settle(Share share, int turnsStarted, Usage used)
    {
        _underWay--;
        _reservedTurns -= share.Turns ?? 0;
        TurnsStarted += turnsStarted;
        Used += used;

        // In the order in which they came; each goes on in place, as everything in an orchestration.
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
    internal sealed record Share(int? Turns, RunLimits Limits);
}
