using Polyphony.Core.Runs;

namespace Polyphony.Activities.Tools;

/// <summary>
/// What a tool throws to say that its call had no effect, and whether another attempt can help. After other exceptions, a call is made again only if the tool is idempotent: it may have happened.
/// </summary>
/// <param name="message">What went wrong; a model that asked for the tool reads it.</param>
/// <param name="kind">Whether another attempt may help.</param>
public sealed class ToolException(string message, ErrorKind kind = ErrorKind.Terminal) : PolyphonyException(ErrorCodes.ToolFailed, message)
{
    /// <summary>Gets whether another attempt can help.</summary>
    public ErrorKind Kind { get; } = kind;
}
