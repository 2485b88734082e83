using Polyphony.Core.Runs;

namespace Polyphony.Activities.Providers;

/// <summary>A model call failed in a way that the provider has classified itself.</summary>
/// <param name="error">The classified error.</param>
/// <param name="innerException">The cause.</param>
internal sealed class ModelException(CallError error, Exception? innerException = null) : PolyphonyException(error.Code, error.Message, innerException)
{
    /// <summary>Gets the classified error.</summary>
    public CallError Error { get; } = error;
}
