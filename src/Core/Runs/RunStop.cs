namespace Polyphony.Core.Runs;

/// <summary>
/// The decision to stop a run early. The first reason stays. Nothing new begins after it; waits and delays end, and calls under way are cancelled unless their answers are still of use. Its
/// token sources have no timer and no handle, so there is nothing to dispose of.
/// </summary>
/// <param name="finishesAtLimits">Whether a limit that is reached leaves the calls under way alone: it is only a share of the run's.</param>
internal sealed class RunStop(bool finishesAtLimits = false)
{
    private CancellationTokenSource _ending = new();
    private CancellationTokenSource _calls = new();

    public StopReason? Reason { get; private set; }

    public WorkflowError? Error { get; private set; }

    public bool IsRequested => Reason is not null;

    /// <summary>Gets a value indicating whether the run was stopped, and its calls under way run to their end.</summary>
    public bool Finishes { get; private set; }

    /// <summary>Gets a token that is cancelled when nothing new begins.</summary>
    public CancellationToken Token => _ending.Token;

    /// <summary>Gets a token that is cancelled when nothing is waited for any more, calls under way included.</summary>
    public CancellationToken Calls => _calls.Token;

    public WorkLimit Limit => new(Token, Calls);

    /// <summary>Stops the run. When it was stopped before, it may still be that calls which were to finish are cancelled now.</summary>
    /// <param name="reason">The reason.</param>
    /// <param name="error">What went wrong, if something did.</param>
    /// <param name="finishCalls">Whether calls under way run to their end: their answers are of use, to this run or after a rewind.</param>
    public void Request(StopReason reason, WorkflowError? error = null, bool finishCalls = false)
    {
        if (Reason is null)
        {
            Reason = reason;
            Error = error;
            Finishes = finishCalls;
            _ending.Cancel();
        }

        if (!finishCalls)
        {
            Finishes = false;
            _calls.Cancel();
        }
    }

    /// <summary>
    /// Stops the run because a limit is reached. The last calls that a limit on model calls allows are within it and finish; each answer beyond a limit on tokens or money only adds to what is too much.
    /// </summary>
    public void RequestAtLimit(StopReason reached) => Request(reached, finishCalls: finishesAtLimits || reached == StopReason.MaxModelCalls);

    /// <summary>Stops the run if a limit on tokens or money is reached while others still use them up.</summary>
    public void StopOthersAtLimit(RunBudget budget)
    {
        if (!finishesAtLimits && budget is { HasUnderWay: true, Reached: StopReason.MaxTokens or StopReason.MaxCost })
        {
            RequestAtLimit(budget.Reached.Value);
        }
    }

    /// <summary>Takes the decision back, for a run that was rewound.</summary>
    public void Reset()
    {
        _ending = new CancellationTokenSource();
        _calls = new CancellationTokenSource();
        Reason = null;
        Error = null;
        Finishes = false;
    }
}
