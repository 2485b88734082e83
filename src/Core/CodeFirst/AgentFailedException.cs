using Polyphony.Core.Runs;

namespace Polyphony.Core.CodeFirst;

/// <summary>A call of a C# workflow failed for good: attempts, repair and fallback models included.</summary>
/// <param name="activation">The activation, such as <c>writer#2</c>.</param>
/// <param name="error">Why.</param>
public sealed class AgentFailedException(string activation, CallError error)
    : PolyphonyException(error.Code, $"\"{activation}\" failed: {error.Message}")
{
    /// <summary>Gets why.</summary>
    public CallError Error { get; } = error;
}
