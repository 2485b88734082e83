using Polyphony.Core.Runs;

namespace Polyphony.Activities.Tools;

/// <summary>What a tool throws to say whether another attempt can help. Other exceptions of tools count as transient.</summary>
/// <param name="message">What went wrong; a model that asked for the tool reads it.</param>
/// <param name="kind">Whether another attempt may help.</param>
public sealed class ToolException(string message, ErrorKind kind = ErrorKind.Terminal) : PolyphonyException(ErrorCodes.ToolFailed, message)
{
    /// <summary>Gets whether another attempt can help.</summary>
    public ErrorKind Kind { get; } = kind;
}
