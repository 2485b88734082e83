using Polyphony.Core.Runs;

namespace Polyphony.Activities.Errors;

/// <summary>A provider answered with an error status. What it means is for <see cref="ErrorClassifier"/> to say.</summary>
/// <param name="failure">The answer.</param>
internal sealed class ProviderException(HttpFailure failure) : PolyphonyException(ErrorCodes.ProviderUnavailable, failure.Message)
{
    /// <summary>Gets the answer.</summary>
    public HttpFailure Failure { get; } = failure;
}
