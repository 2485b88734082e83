using Polyphony.Core.Runs;

namespace Polyphony.Core.CodeFirst;

/// <summary>Tells the run of the calls of a C# function: they show at the function's node.</summary>
internal sealed class CodeObserver(IRunObserver run, Activation function) : IRunObserver
{
    public void OnAttempt(Activation activation) => run.OnAttempt(function);

    public void OnDelayed(Activation activation, CallWait wait, CallError? error) => run.OnDelayed(Of(activation), wait, error);

    public void OnDelayEnded(Activation activation) => run.OnDelayEnded(Of(activation));

    public void OnWaiting(Activation activation, PendingWait wait, WaitState state) => run.OnWaiting(activation, wait, state);

    public void OnWaited(Activation activation) => run.OnWaited(activation);

    public void OnInnerOutcome(Activation activation, Outcome outcome) => run.OnInnerOutcome(function, outcome);

    // The function's node, under the call's own name: several calls may wait at the same time.
    private Activation Of(Activation call) => function with { Scope = function.Scope with { Activation = call.Id } };
}
