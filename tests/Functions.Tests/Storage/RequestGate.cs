using Azure.Core;
using Azure.Core.Pipeline;

namespace Polyphony.Functions.Tests.Storage;

/// <summary>Holds back the first request that fits, before it is sent, until the test lets it go: so two processes are interleaved as the test wants.</summary>
internal sealed class RequestGate(RequestMethod method, string pathPart) : HttpPipelinePolicy
{
    private readonly TaskCompletionSource _arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _held;

    /// <summary>Gets a task that completes when the request waits.</summary>
    public Task Arrived => _arrived.Task.WaitAsync(TimeSpan.FromSeconds(30));

    public void Open() => _open.TrySetResult();

    public override async ValueTask ProcessAsync(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline)
    {
        if (message.Request.Method == method && message.Request.Uri.ToUri().AbsoluteUri.Contains(pathPart, StringComparison.Ordinal) && Interlocked.Exchange(ref _held, 1) == 0)
        {
            _arrived.SetResult();
            await _open.Task.WaitAsync(TimeSpan.FromSeconds(30), message.CancellationToken);
        }

        await ProcessNextAsync(message, pipeline);
    }

    public override void Process(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline) => ProcessNext(message, pipeline);
}
