namespace Polyphony.Core.Json;

/// <summary>A text is not JSON as it is taken from outside.</summary>
/// <param name="reason">What is wrong, where, and what to do; a clause without a full stop, to be put behind what was read.</param>
/// <param name="innerException">What the reader said.</param>
public sealed class InvalidJsonException(string reason, Exception? innerException = null) : PolyphonyException("invalid_json", reason, innerException)
{
    /// <summary>Gets a value indicating whether it is no JSON at all, as opposed to JSON that is not taken.</summary>
    public bool IsSyntax { get; init; }
}
