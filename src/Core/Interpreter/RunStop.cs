using Polyphony.Core.Durable;

namespace Polyphony.Core.Interpreter;

/// <summary>
/// The decision to stop a run early. The first reason stays. Nothing new begins after it; waits and delays end. Its token source has no
/// timer and no handle, so there is nothing to dispose of.
/// </summary>
internal sealed class RunStop
{
    private CancellationTokenSource _source = new();

    public StopReason? Reason { get; private set; }

    public WorkflowError? Error { get; private set; }

    public bool IsRequested => Reason is not null;

    public CancellationToken Token => _source.Token;

    public void Request(StopReason reason, WorkflowError? error = null)
    {
        if (Reason is null)
        {
            Reason = reason;
            Error = error;
            _source.Cancel();
        }
    }

    /// <summary>Asks a child to stop too. Not when a limit was reached: the child has its own share of it, and what was begun within that is finished.</summary>
    public void StopChild(OrchestrationContext context, string childId)
    {
        if (Reason is not (StopReason.MaxTurns or StopReason.MaxTokens or StopReason.MaxCost))
        {
            context.SendEvent(childId, EventNames.Stop, null);
        }
    }

    /// <summary>Takes the decision back, for a run that was rewound.</summary>
    public void Reset()
    {
        _source = new CancellationTokenSource();
        Reason = null;
        Error = null;
    }
}
