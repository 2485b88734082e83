using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Polyphony.Core.Client;
using Polyphony.Core.Durable;
using Polyphony.Core.Durable.History;
using Polyphony.Http.Serialization;

namespace Polyphony.Http.Instances;

/// <summary>
/// Sends what happens to an instance as server-sent events: each event of its history (<c>history</c>), its status whenever it has changed
/// (<c>status</c>), and <c>end</c> once it has finished. Ids are positions, so that a reader who comes back gets what follows, once.
/// </summary>
/// <remarks>
/// One round: learn that something has changed, read the status, send the history that has come since, then the status. The history is
/// read after the status, so it holds at least what the status rests on; what it holds beyond that is a change that the next round sees.
/// </remarks>
internal sealed class InstanceStream(
    WorkflowClient client, string id, StreamPosition from, bool payloads, TimeSpan heartbeat, TimeProvider timeProvider) : IResult
{
    private static readonly WorkflowStatusOptions Shown = new(Input: false, Output: true);

    /// <summary>How often the status is read while children run items: theirs change without a change of the instance.</summary>
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    private StreamPosition _position = from;
    private string _sent = "";
    private bool _hasItemsInChildren;
    private long _lastWrite = timeProvider.GetTimestamp();

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-cache, no-store";
        response.Headers["X-Accel-Buffering"] = "no";
        httpContext.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        try
        {
            await response.WriteAsync(": open\n\n", httpContext.RequestAborted);
            await response.Body.FlushAsync(httpContext.RequestAborted);
            await SendAsync(httpContext.Request, response, httpContext.RequestAborted);
        }
        catch (OperationCanceledException) when (httpContext.RequestAborted.IsCancellationRequested)
        {
            // The reader has gone.
        }
    }

    private async Task SendAsync(HttpRequest request, HttpResponse response, CancellationToken cancellationToken)
    {
        while (true)
        {
            var isChanged = await ChangedAsync(cancellationToken);
            if (!isChanged && !_hasItemsInChildren)
            {
                await SayNothingNewAsync(response, cancellationToken);
                continue;
            }

            if (await client.GetAsync(id, Shown, cancellationToken) is not { } status)
            {
                await WriteAsync(response, "end", null, """{"reason":"purged"}""", cancellationToken);
                return;
            }

            foreach (var historyEvent in await ReadHistoryAsync(cancellationToken))
            {
                _position = new StreamPosition(historyEvent.Sequence, -1);
                await WriteAsync(response, "history", _position, JsonSerializer.Serialize(InstanceHistory.Describe(historyEvent, payloads), HttpJsonContext.Default.JsonObject), cancellationToken);
            }

            _position = _position with { Version = status.ChangeVersion };
            _hasItemsInChildren = status.HasItemsInChildren;
            var data = JsonSerializer.Serialize(InstanceStatus.From(status, request), HttpJsonContext.Default.InstanceStatus);
            if (!isChanged && data == _sent)
            {
                await SayNothingNewAsync(response, cancellationToken);
                continue;
            }

            _sent = data;
            await WriteAsync(response, "status", _position, data, cancellationToken);
            if (status.IsFinished)
            {
                await WriteAsync(response, "end", null, """{"reason":"finished"}""", cancellationToken);
                return;
            }

            await response.Body.FlushAsync(cancellationToken);
            _lastWrite = timeProvider.GetTimestamp();
        }
    }

    /// <summary>Keeps the connection open, at its time.</summary>
    private async Task SayNothingNewAsync(HttpResponse response, CancellationToken cancellationToken)
    {
        if (_hasItemsInChildren && timeProvider.GetElapsedTime(_lastWrite) < heartbeat)
        {
            return;
        }

        await response.WriteAsync(": still here\n\n", cancellationToken);
        await response.Body.FlushAsync(cancellationToken);
        _lastWrite = timeProvider.GetTimestamp();
    }

    private async Task<bool> ChangedAsync(CancellationToken cancellationToken)
    {
        using var quiet = new CancellationTokenSource(_hasItemsInChildren && Look < heartbeat ? Look : heartbeat, timeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(quiet.Token, cancellationToken);
        try
        {
            await client.Durable.WaitForChangeAsync(id, Math.Max(0, _position.Version), either.Token);
            return true;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    private async Task<IReadOnlyList<HistoryEvent>> ReadHistoryAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await client.Durable.GetHistoryAsync(id, _position.Sequence + 1, cancellationToken);
        }
        catch (InstanceNotFoundException)
        {
            // Purged since: the next round sees that and ends.
            return [];
        }
    }

    private static Task WriteAsync(HttpResponse response, string name, StreamPosition? eventId, string data, CancellationToken cancellationToken) =>
        response.WriteAsync($"event: {name}\n{(eventId is { } at ? $"id: {at}\n" : "")}data: {data}\n\n", cancellationToken);
}
