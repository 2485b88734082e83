using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Polyphony.Core.Json;
using Polyphony.Http.Problems;

namespace Polyphony.Http.Requests;

/// <summary>Reads request bodies within limits.</summary>
internal static class JsonBody
{
    /// <summary>Reads the body as JSON.</summary>
    /// <param name="request">The request.</param>
    /// <param name="maxBytes">The maximum size of a body in bytes.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>The value, or <see langword="null"/> if there is no body.</returns>
    /// <exception cref="RequestProblemException">It is too large, not JSON or not declared as JSON.</exception>
    public static async Task<JsonElement?> ReadAsync(HttpRequest request, int maxBytes, CancellationToken cancellationToken)
    {
        if (request.ContentLength == 0 || (request.ContentLength is null && request.HttpContext.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false }))
        {
            return null;
        }

        if (request.Headers.ContentEncoding is { Count: > 0 } encoding && !encoding.All(each => string.Equals(each, "identity", StringComparison.OrdinalIgnoreCase)))
        {
            throw new RequestProblemException(
                ProblemCodes.UnsupportedMediaType, $"The body is encoded as \"{FieldReader.Shorten(encoding.ToString())}\"; send it without Content-Encoding.");
        }

        if (request.ContentLength > maxBytes)
        {
            throw TooLarge(maxBytes);
        }

        var bytes = await ReadBytesAsync(request, maxBytes, cancellationToken);
        request.HttpContext.Features.Get<IRequestBodyShare>()?.GiveBack();
        if (bytes.Length == 0)
        {
            return null;
        }

        if (!request.HasJsonContentType())
        {
            throw new RequestProblemException(
                ProblemCodes.UnsupportedMediaType,
                $"The body is declared as \"{request.ContentType ?? "nothing"}\"; expected Content-Type: application/json.");
        }

        return Parse(bytes);
    }

    /// <summary>Reads JSON. How deep the values in it may be is for those who take them.</summary>
    /// <param name="bytes">The text in UTF-8.</param>
    /// <returns>The value.</returns>
    /// <exception cref="RequestProblemException">It is not acceptable JSON; see <see cref="StrictJson"/>.</exception>
    public static JsonElement Parse(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            return StrictJson.Parse(bytes, JsonLimits.MaxDepth);
        }
        catch (InvalidJsonException e)
        {
            throw new RequestProblemException(ProblemCodes.InvalidJson, $"The body is not valid JSON: {e.Message}.");
        }
    }

    private static async Task<ReadOnlyMemory<byte>> ReadBytesAsync(HttpRequest request, int maxBytes, CancellationToken cancellationToken)
    {
        var reader = request.BodyReader;
        while (true)
        {
            var read = await ReadAsync(reader, cancellationToken);
            if (read.Buffer.Length > maxBytes)
            {
                reader.AdvanceTo(read.Buffer.End);
                throw TooLarge(maxBytes);
            }

            if (read.IsCompleted)
            {
                var bytes = read.Buffer.ToArray();
                reader.AdvanceTo(read.Buffer.End);
                return bytes;
            }

            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    // What is no body by the rules of HTTP, or broke off: the web server has no error of its own for every such case.
    private static async ValueTask<ReadResult> ReadAsync(PipeReader reader, CancellationToken cancellationToken)
    {
        try
        {
            return await reader.ReadAsync(cancellationToken);
        }
        catch (IOException e) when (e is not BadHttpRequestException)
        {
            throw new RequestProblemException(ProblemCodes.InvalidRequest, $"The body cannot be read: {e.Message}");
        }
    }

    private static RequestProblemException TooLarge(int maxBytes) =>
        new(ProblemCodes.BodyTooLarge, $"The body has more than {maxBytes} bytes. Send less, or pass a reference to where the data is.");
}
