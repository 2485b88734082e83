using Polyphony.Core.Runs;

namespace Polyphony.Core.Nodes.Agents;

/// <summary>The number of a model call within its activation. An answer lies in the ledger under it, so whatever asks for another answer takes another number.</summary>
/// <param name="first">The first number that is free.</param>
internal sealed class CallNumber(int first)
{
    public int Current { get; private set; } = first;

    /// <summary>Takes the next number: the answer under this one is known, and another is wanted.</summary>
    public void Advance() => Current++;

    /// <summary>Takes the number that a call has which follows a result: its own again if nothing was answered.</summary>
    public void Follow(AgentCallResult result) => Current = After(result);

    /// <summary>Gets the number that a call has which follows a result.</summary>
    public int After(AgentCallResult result) => result.Usage.ModelCalls > 0 ? Current + 1 : Current;
}
