using Azure.Core;
using Azure.Core.Pipeline;

namespace Polyphony.DurableFunctions.Tests.Storage;

/// <summary>Lets the first request that fits be done, and its response be lost: so the client sends it again.</summary>
internal sealed class LostResponse(RequestMethod method, string pathPart) : HttpPipelinePolicy
{
    private int _lost;

    public bool HasHappened => Volatile.Read(ref _lost) == 1;

    public override async ValueTask ProcessAsync(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline)
    {
        await ProcessNextAsync(message, pipeline);
        if (message.Request.Method == method && message.Request.Uri.ToUri().AbsoluteUri.Contains(pathPart, StringComparison.Ordinal)
            && message.Response.Status < 300 && Interlocked.Exchange(ref _lost, 1) == 0)
        {
            throw new IOException("The connection was closed.");
        }
    }

    public override void Process(HttpMessage message, ReadOnlyMemory<HttpPipelinePolicy> pipeline) => ProcessNext(message, pipeline);
}
