using System.ClientModel.Primitives;
using Polyphony.Core.Interpreter;

namespace Polyphony.Activities.Providers.OpenAI.Answers;

/// <summary>
/// Reads the body of a response, up to a limit, and puts it into the protocol's own form before the SDK parses it. What the SDK's types have no place for is added under
/// <see cref="AnswerSupplement.Member"/>.
/// </summary>
internal sealed class AnswerPolicy : PipelinePolicy
{
    /// <summary>The longest answer that is taken: 32 MB. More is no answer of a model, and must not take the memory of the host.</summary>
    public const int MaxAnswerBytes = 32 * 1024 * 1024;

    // Of an error, its beginning says what there is to say.
    private const int MaxErrorBytes = 256 * 1024;

    // Gateways of Azure have names of their own for it.
    private static readonly string[] RequestIdHeaders = ["x-request-id", "apim-request-id", "x-ms-request-id"];

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

        var body = await ReadAsync(response, message.CancellationToken);
        response.ContentStream = new MemoryStream(response.IsError ? body : AnswerNormalizer.Normalize(body, RequestId(response)), writable: false);
        await response.BufferContentAsync(message.CancellationToken);
    }

    private static async Task<byte[]> ReadAsync(PipelineResponse response, CancellationToken cancellationToken)
    {
        if (response.ContentStream is not { } content)
        {
            return [];
        }

        // Closes the connection if not all was read.
        await using var stream = content;
        using var body = new MemoryStream();
        var buffer = new byte[64 * 1024];
        var limit = response.IsError ? MaxErrorBytes : MaxAnswerBytes;
        int read;
        while ((read = await stream.ReadAsync(buffer, cancellationToken)) > 0)
        {
            body.Write(buffer, 0, (int)Math.Min(read, limit - body.Length));
            if (body.Length < limit)
            {
                continue;
            }

            return response.IsError
                ? body.ToArray()
                : throw new ModelException(new CallError(
                    ErrorCodes.AnswerTooLarge,
                    $"The provider's answer is larger than {MaxAnswerBytes / (1024 * 1024)} MB and was not read further. Look at what answers at this endpoint; a model's answer is bounded by \"maxOutputTokens\".",
                    ErrorKind.Terminal));
        }

        return body.ToArray();
    }

    private static string? RequestId(PipelineResponse response)
    {
        foreach (var name in RequestIdHeaders)
        {
            if (response.Headers.TryGetValue(name, out var id) && !string.IsNullOrEmpty(id))
            {
                return id;
            }
        }

        return null;
    }
}
