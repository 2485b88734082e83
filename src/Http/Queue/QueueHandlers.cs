using Microsoft.AspNetCore.Http;
using Polyphony.Core.Client;
using Polyphony.Http.Requests;
using Polyphony.Http.Serialization;

namespace Polyphony.Http.Queue;

/// <summary>Tells what the host has to do. Thread-safe.</summary>
/// <param name="queue">The unfinished instances.</param>
public sealed class QueueHandlers(QueueReader queue)
{
    /// <summary>GET /api/queue.</summary>
    /// <param name="context">The request.</param>
    /// <returns>200 with the counts and limits.</returns>
    public Task<IResult> ReadAsync(HttpContext context) => Guard.RunPlain(context, async () =>
        TypedResults.Json(await queue.ReadAsync(context.RequestAborted), HttpJsonContext.Default.QueueStatus));
}
