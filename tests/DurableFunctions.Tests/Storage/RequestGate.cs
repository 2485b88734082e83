using System.Collections.Concurrent;
using Azure.Core;
using Azure.Core.Pipeline;

namespace Polyphony.DurableFunctions.Tests.Storage;

/// <summary>
/// Holds back the first request that fits, before it is sent, until the test lets it go: so two processes are interleaved as the test wants.
/// Keeps a list of all requests.
/// </summary>
internal sealed class RequestGate(RequestMethod method, string pathPart) : HttpPipelinePolicy
{
    private readonly ConcurrentQueue<string> _sent = new();
    private readonly ConcurrentQueue<string> _sentUsage = new();
    private TaskCompletionSource _arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _held;

    /// <summary>Gets a task that completes when the request waits.</summary>
    public Task Arrived => _arrived.Task.WaitAsync(TimeSpan.FromSeconds(30));

    /// <summary>Gets the requests that were sent, those that count what was used aside: method and path.</summary>
    public IReadOnlyCollection<string> Sent => _sent;

    /// <summary>Gets the requests that count what was used.</summary>
    public IReadOnlyCollection<string> SentUsage => _sentUsage;

    public void Open() => _open.TrySetResult();

    /// <summary>Holds back the next one that fits as well, and begins the list anew. The last one must be through.</summary>
    public void Close()
    {
        _arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _open = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _sent.Clear();
        _sentUsage.Clear();
        Volatile.Write(ref _held, 0);
    }

    public override async ValueTask ProcessAsync(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline)
    {
        var uri = message.Request.Uri.ToUri().AbsoluteUri;
        if (message.Request.Method == method && uri.Contains(pathPart, StringComparison.Ordinal) && Interlocked.Exchange(ref _held, 1) == 0)
        {
            _arrived.SetResult();
            await _open.Task.WaitAsync(TimeSpan.FromSeconds(30), message.CancellationToken);
        }

        (await IsUsageAsync(message.Request) ? _sentUsage : _sent).Enqueue($"{message.Request.Method} {uri}");
        await ProcessNextAsync(message, pipeline);
    }

    private static async Task<bool> IsUsageAsync(Request request)
    {
        using var body = new MemoryStream();
        if (request.Content is { } content)
        {
            await content.WriteToAsync(body, CancellationToken.None);
        }

        return System.Text.Encoding.UTF8.GetString(body.ToArray()).Contains("!usage-", StringComparison.Ordinal);
    }

    public override void Process(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline) => ProcessNext(message, pipeline);
}
