using Microsoft.AspNetCore.Http;
using Polyphony.Http.Serialization;

namespace Polyphony.Http.Problems;

/// <summary>Answers with problem details.</summary>
/// <param name="problem">The problem.</param>
internal sealed class ProblemResult(ProblemDocument problem) : IResult, IStatusCodeHttpResult, IValueHttpResult
{
    /// <summary>The media type of problem details.</summary>
    public const string ContentType = "application/problem+json";

    /// <summary>Gets the HTTP status.</summary>
    public int? StatusCode => problem.Status;

    /// <summary>Gets the problem.</summary>
    public object? Value => problem;

    /// <inheritdoc/>
    public Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.StatusCode = problem.Status;
        return httpContext.Response.WriteAsJsonAsync(problem, HttpJsonContext.Default.ProblemDocument, ContentType, httpContext.RequestAborted);
    }
}
