namespace Polyphony.Http.Problems;

/// <summary>A request cannot be served.</summary>
/// <param name="code">The code; <see cref="ProblemTable"/> gives its status.</param>
/// <param name="message">What is wrong and what to do.</param>
/// <param name="errors">Every single problem, where there are several.</param>
internal sealed class RequestProblemException(string code, string message, IReadOnlyList<ProblemItem>? errors = null) : PolyphonyException(code, message)
{
    /// <summary>Gets every single problem.</summary>
    public IReadOnlyList<ProblemItem>? Errors { get; } = errors;

    /// <summary>Makes an exception of what was found; the first thing gives the code.</summary>
    /// <param name="errors">What was found; at least one.</param>
    /// <returns>The exception.</returns>
    public static RequestProblemException Of(IReadOnlyList<ProblemItem> errors) =>
        new(errors[0].Code ?? ProblemCodes.InvalidRequest, string.Join(' ', errors.Select(error => error.Detail)), errors);
}
