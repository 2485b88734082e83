using System.Buffers;
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
    /// <param name="maxBytes">The largest body taken.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The value, or <see langword="null"/> if there is no body.</returns>
    /// <exception cref="RequestProblemException">It is too large, not JSON or not declared as JSON.</exception>
    public static async Task<JsonElement?> ReadAsync(HttpRequest request, int maxBytes, CancellationToken cancellationToken)
    {
        if (request.ContentLength == 0 || (request.ContentLength is null && request.HttpContext.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false }))
        {
            return null;
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
                $"The body is declared as \"{request.ContentType ?? "nothing"}\"; expected is Content-Type: application/json.");
        }

        return Parse(bytes);
    }

    /// <summary>Reads JSON. How deep the values in it may be is for those who take them.</summary>
    /// <param name="bytes">The text in UTF-8.</param>
    /// <returns>The value.</returns>
    /// <exception cref="RequestProblemException">It is not JSON as it is taken from outside; see <see cref="StrictJson"/>.</exception>
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
            var read = await reader.ReadAsync(cancellationToken);
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

    private static RequestProblemException TooLarge(int maxBytes) =>
        new(ProblemCodes.BodyTooLarge, $"The body has more than {maxBytes} bytes. Send less, or pass a reference to where the data is.");
}
