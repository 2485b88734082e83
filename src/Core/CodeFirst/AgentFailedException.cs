using Polyphony.Core.Runs;

namespace Polyphony.Core.CodeFirst;

/// <summary>A call of a C# workflow failed for good: all attempts, the repair and all fallback models are used up.</summary>
/// <param name="activation">The activation, such as <c>writer#2</c>.</param>
/// <param name="error">The error.</param>
public sealed class AgentFailedException(string activation, CallError error)
    : PolyphonyException(error.Code, $"\"{activation}\" failed: {error.Message}")
{
    /// <summary>Gets why.</summary>
    public CallError Error { get; } = error;
}
