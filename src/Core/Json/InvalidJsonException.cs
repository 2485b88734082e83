namespace Polyphony.Core.Json;

/// <summary>A text from outside is not acceptable JSON.</summary>
/// <param name="reason">What is wrong, where, and what to do; a clause without a full stop.</param>
/// <param name="innerException">What the reader said.</param>
public sealed class InvalidJsonException(string reason, Exception? innerException = null) : PolyphonyException("invalid_json", reason, innerException)
{
    /// <summary>Gets a value indicating whether the text is not JSON at all, as opposed to JSON that is not accepted.</summary>
    public bool IsSyntax { get; init; }
}
