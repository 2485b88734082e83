using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Polyphony.Http.Requests;

namespace Polyphony.Hosting.Routes;

/// <summary>
/// Bounds the memory that request bodies take together. Each counts as what it says it has, at most as what is read of one, from the beginning of its request until it was read. Thread-safe.
/// </summary>
/// <param name="bytes">The most at a time.</param>
/// <param name="mostOfOne">The maximum number of bytes that are read of one body.</param>
internal sealed class UploadBudget(long bytes, int mostOfOne)
{
    private readonly long _bytes = bytes;
    private long _taken;

    /// <summary>Takes a request's share of the budget; it is given back when the body was read, since a request may continue long after: <c>?wait</c> holds it for a minute.</summary>
    /// <param name="context">The request.</param>
    /// <returns>The share, to be disposed of at the end of the request; <see langword="null"/>: the budget is used up.</returns>
    public IDisposable? TryTake(HttpContext context)
    {
        var share = new Share(this, SizeOf(context.Request));
        if (share.IsTooMuch)
        {
            share.Dispose();
            return null;
        }

        context.Features.Set<IRequestBodyShare>(share);
        return share;
    }

    private long SizeOf(HttpRequest request) =>
        request.ContentLength is { } length ? Math.Min(length, mostOfOne)
        : request.HttpContext.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false } ? 0 : mostOfOne;

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
}
