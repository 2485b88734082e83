using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Polyphony.Http;
using Polyphony.Http.Problems;
using Polyphony.Http.Requests;

namespace Polyphony.Cli.Hosting;

/// <summary>
/// Bounds the memory that request bodies take together. Each counts as what it says it has, at most as what is read of one, from the beginning of its request until it was read. Thread-safe.
/// </summary>
/// <param name="bytes">The most at a time.</param>
internal sealed class UploadBudget(long bytes)
{
    private readonly long _bytes = bytes;
    private long _taken;

    /// <summary>Handles a request within the budget.</summary>
    /// <param name="context">The request.</param>
    /// <param name="next">Handles it.</param>
    /// <returns>A task that completes when it is answered.</returns>
    /// <exception cref="RequestProblemException">Code <c>too_many_uploads</c>: the budget is used up.</exception>
    internal async Task RunAsync(HttpContext context, RequestDelegate next)
    {
        using var share = new Share(this, SizeOf(context.Request));
        if (share.IsTooMuch)
        {
            context.Response.Headers.RetryAfter = "1";
            throw new RequestProblemException(ProblemCodes.TooManyUploads, "The bodies of the requests under way take all the room that there is for them. Try again in a moment.");
        }

        // A request may go on long after its body was read: ?wait holds it for a minute.
        context.Features.Set<IRequestBodyShare>(share);
        await next(context);
    }

    /// <summary>Takes room, if there is as much. What is refused is never counted: it would stand in the way of a smaller one that fits.</summary>
    private bool TryTake(long size)
    {
        for (var taken = Interlocked.Read(ref _taken); size == 0 || taken + size <= _bytes; taken = Interlocked.Read(ref _taken))
        {
            if (Interlocked.CompareExchange(ref _taken, taken + size, taken) == taken)
            {
                return true;
            }
        }

        return false;
    }

    private sealed class Share : IRequestBodyShare, IDisposable
    {
        private readonly UploadBudget _budget;
        private long _size;

        public Share(UploadBudget budget, long size)
        {
            _budget = budget;
            _size = budget.TryTake(size) ? size : 0;
            IsTooMuch = _size != size;
        }

        public bool IsTooMuch { get; }

        public void GiveBack() => Interlocked.Add(ref _budget._taken, -Interlocked.Exchange(ref _size, 0));

        public void Dispose() => GiveBack();
    }

    private static long SizeOf(HttpRequest request)
    {
        const long most = PolyphonyHttpOptions.DefaultMaxBodyBytes;
        return request.ContentLength is { } length ? Math.Min(length, most)
            : request.HttpContext.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false } ? 0 : most;
    }
}
