using Polyphony.Core.Runs;

namespace Polyphony.Activities.Tools;

/// <summary>A tool call went wrong after it was sent: it may have had its effect.</summary>
/// <param name="error">What went wrong, and whether another attempt can help where a second call does no harm.</param>
/// <param name="isLost">Whether no answer came. Otherwise one came, and the call is over.</param>
/// <param name="innerException">The cause.</param>
internal sealed class EffectUnknownException(CallError error, bool isLost, Exception? innerException = null) : PolyphonyException(error.Code, error.Message, innerException)
{
    /// <summary>Gets what went wrong.</summary>
    public CallError Error { get; } = error;

    /// <summary>Gets a value indicating whether no answer came.</summary>
    public bool IsLost { get; } = isLost;
}
