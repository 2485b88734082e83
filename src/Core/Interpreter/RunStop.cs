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

    /// <summary>Takes the decision back, for a run that was rewound.</summary>
    public void Reset()
    {
        _source = new CancellationTokenSource();
        Reason = null;
        Error = null;
    }
}
