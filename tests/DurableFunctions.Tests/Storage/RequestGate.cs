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
    private TaskCompletionSource _arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _held;

    /// <summary>Gets a task that completes when the request waits.</summary>
    public Task Arrived => _arrived.Task.WaitAsync(TimeSpan.FromSeconds(30));

    /// <summary>Gets the requests that were sent: method and path.</summary>
    public IReadOnlyCollection<string> Sent => _sent;

    public void Open() => _open.TrySetResult();

    /// <summary>Holds back the next one that fits as well, and begins the list anew. The last one must be through.</summary>
    public void Close()
    {
        _arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _open = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _sent.Clear();
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

        _sent.Enqueue($"{message.Request.Method} {uri}");
        await ProcessNextAsync(message, pipeline);
    }

    public override void Process(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline) => ProcessNext(message, pipeline);
}
