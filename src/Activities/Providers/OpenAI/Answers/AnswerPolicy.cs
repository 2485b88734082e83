using System.ClientModel.Primitives;

namespace Polyphony.Activities.Providers.OpenAI.Answers;

/// <summary>
/// Reads the body of a response, up to a limit, and puts it into the protocol's own form before the SDK parses it. What the SDK's types have no place for is added under
/// <see cref="AnswerSupplement.Member"/>.
/// </summary>
internal sealed class AnswerPolicy : PipelinePolicy
{
    public override void Process(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex) =>
        throw new NotSupportedException("Models are called asynchronously only.");

    public override async ValueTask ProcessAsync(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex)
    {
        // The transport would read to the end, however far that is.
        message.BufferResponse = false;
        await ProcessNextAsync(message, pipeline, currentIndex);
        message.BufferResponse = true;
        if (message.Response is not { } response)
        {
            return;
        }

        var body = await ResponseBody.ReadAsync(response, message.CancellationToken);
        response.ContentStream = new MemoryStream(
            response.IsError ? body : AnswerNormalizer.Normalize(body, name => response.Headers.TryGetValue(name, out var value) ? value : null), writable: false);
        await response.BufferContentAsync(message.CancellationToken);
    }
}
