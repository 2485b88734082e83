using Polyphony.Core.Definitions;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Nodes.Agents;

/// <summary>Counts the attempts of one model call, which the retry policy limits.</summary>
/// <param name="policy">The policy; <see langword="null"/> for the default one.</param>
internal sealed class AttemptCount(RetryDefinition? policy)
{
    public int Current { get; private set; }

    public RetryDefinition Policy { get; } = policy ?? RetryDelays.Default;

    public void Begin() => Current++;

    /// <summary>Takes an attempt back: the model let the call wait, and nothing was asked.</summary>
    public void GiveBack() => Current--;

    /// <summary>Starts counting from the beginning, for another call.</summary>
    public void Restart() => Current = 0;

    public bool MayRetry(CallError error) => RetryDelays.MayRetry(error, Current, Policy, isExplicit: policy is not null);
}
