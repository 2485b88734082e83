namespace Polyphony.Core.Runs;

/// <summary>What was to be done for a node has failed for a reason that is the node's: it ends with the error.</summary>
/// <param name="error">The error.</param>
internal sealed class CallFailedException(CallError error) : Exception(error.Message)
{
    /// <summary>Gets the error.</summary>
    public CallError Error { get; } = error;
}
