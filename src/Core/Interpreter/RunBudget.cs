namespace Polyphony.Core.Interpreter;

/// <summary>What a run may still use. Checked before each model call; a call under way is always finished.</summary>
internal sealed class RunBudget(RunLimits limits)
{
    private int _reservedTurns;

    public int TurnsStarted { get; private set; }

    public Usage Used { get; private set; } = Usage.None;

    /// <summary>Gets the limit that is reached, if any.</summary>
    public StopReason? Reached =>
        limits.MaxTurns is { } turns && TurnsStarted + _reservedTurns >= turns ? StopReason.MaxTurns
        : limits.MaxTokens is { } tokens && Used.Tokens >= tokens ? StopReason.MaxTokens
        : limits.MaxCostUsd is { } cost && Used.CostUsd >= cost ? StopReason.MaxCost
        : null;

    public void Restore(int turnsStarted, Usage used)
    {
        TurnsStarted = turnsStarted;
        Used = used;
    }

    /// <summary>Takes one model call, unless a limit is reached.</summary>
    public StopReason? TakeTurn()
    {
        var reached = Reached;
        if (reached is null)
        {
            TurnsStarted++;
        }

        return reached;
    }

    public void Add(Usage usage) => Used += usage;

    /// <summary>Gives a turn back that was taken for an answer that is there already.</summary>
    public void GiveBackTurn() => TurnsStarted--;

    /// <summary>Sets a share aside for a child, so that several children together stay within the limits.</summary>
    /// <param name="wantedTurns">How many model calls the child would make at most without retries.</param>
    /// <param name="shares">Into how many parts what is left of tokens and money is divided.</param>
    public Share Reserve(int wantedTurns, int shares)
    {
        int? turns = null;
        if (limits.MaxTurns is { } max)
        {
            turns = Math.Min(Math.Max(0, max - TurnsStarted - _reservedTurns), wantedTurns);
            _reservedTurns += turns.Value;
        }

        return new Share(turns, new RunLimits(
            MaxTurns: turns,
            MaxTokens: limits.MaxTokens is { } tokens ? Math.Max(1, (tokens - Used.Tokens) / shares) : null,
            MaxCostUsd: limits.MaxCostUsd is { } cost ? Math.Max(0.000001m, (cost - Used.CostUsd) / shares) : null));
    }

    /// <summary>Takes back a share and books what the child has used.</summary>
    public void Settle(Share share, int turnsStarted, Usage used)
    {
        _reservedTurns -= share.Turns ?? 0;
        TurnsStarted += turnsStarted;
        Used += used;
    }

    /// <summary>A share of the budget.</summary>
    internal sealed record Share(int? Turns, RunLimits Limits);
}
