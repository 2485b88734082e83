using Polyphony.Core.Definitions;

namespace Polyphony.Core.Nodes;

/// <summary>How many model calls one activation of a node can make.</summary>
/// <param name="ModelCalls">The maximum number of calls, attempts included.</param>
/// <param name="WithoutRetries">The most calls if none has to be retried or repaired.</param>
/// <param name="Factors">How the first number comes about, such as <c>2 calls</c> and <c>3 attempts</c>.</param>
internal sealed record NodeCalls(CallBound ModelCalls, CallBound WithoutRetries, IReadOnlyList<string> Factors)
{
    /// <summary>Gets no calls.</summary>
    public static NodeCalls None { get; } = new(CallBound.Zero, CallBound.Zero, []);
}
