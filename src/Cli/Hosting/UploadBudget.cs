using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Polyphony.Http;
using Polyphony.Http.Problems;

namespace Polyphony.Cli.Hosting;

/// <summary>Bounds the memory that request bodies take together. Each counts as what it says it has, at most as what is read of one. Thread-safe.</summary>
/// <param name="bytes">The most at a time.</param>
internal sealed class UploadBudget(long bytes)
{
    private long _taken;

    /// <summary>Handles a request within the budget.</summary>
    /// <param name="context">The request.</param>
    /// <param name="next">Handles it.</param>
    /// <returns>A task that completes when it is answered.</returns>
    /// <exception cref="RequestProblemException">Code <c>too_many_uploads</c>: the budget is used up.</exception>
    internal async Task RunAsync(HttpContext context, RequestDelegate next)
    {
        var size = SizeOf(context.Request);
        try
        {
            if (Interlocked.Add(ref _taken, size) > bytes && size > 0)
            {
                context.Response.Headers.RetryAfter = "1";
                throw new RequestProblemException("too_many_uploads", "The bodies of the requests under way take all the room that there is for them. Try again in a moment.");
            }

            await next(context);
        }
        finally
        {
            Interlocked.Add(ref _taken, -size);
        }
    }

    private static long SizeOf(HttpRequest request)
    {
        const long most = PolyphonyHttpOptions.DefaultMaxBodyBytes;
        return request.ContentLength is { } length ? Math.Min(length, most)
            : request.HttpContext.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false } ? 0 : most;
    }
}
