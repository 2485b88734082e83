namespace Polyphony.Core.Runs;

/// <summary>Tells the run of activations within another: they show at the outer one's node.</summary>
internal sealed class InnerObserver(IRunObserver run, Activation outer) : IRunObserver
{
    public void OnAttempt(Activation activation) => run.OnAttempt(outer);

    public void OnDelayed(Activation activation, CallWait wait, CallError? error) => run.OnDelayed(Of(activation), wait, error);

    public void OnDelayEnded(Activation activation) => run.OnDelayEnded(Of(activation));

    public void OnWaiting(Activation activation, PendingWait wait, WaitState state) => run.OnWaiting(activation, wait, state);

    public void OnWaited(Activation activation) => run.OnWaited(activation);

    public void OnAsking(Activation activation) => run.OnAsking(outer);

    public void OnAsked(Activation activation) => run.OnAsked(outer);

    public void OnInnerOutcome(Activation activation, Outcome outcome) => run.OnInnerOutcome(outer, outcome);

    // The outer node, under the inner activation's own name: several may wait at the same time.
    private Activation Of(Activation inner) => outer with { Scope = outer.Scope with { Activation = inner.Id } };
}
