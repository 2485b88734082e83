using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;

namespace Polyphony.Activities.Tools.Http;

/// <summary>The body of a response: bounded, and JSON or text.</summary>
/// <param name="Bytes">The body.</param>
/// <param name="Type">Its type.</param>
internal sealed record HttpToolAnswer(ReadOnlyMemory<byte> Bytes, MediaTypeHeaderValue? Type)
{
    private const int FirstBytes = 16 * 1024;

    private static readonly string[] TextTypes = ["application/xml", "application/yaml", "application/x-yaml", "application/javascript", "application/x-ndjson", "application/x-www-form-urlencoded"];

    /// <summary>Gets the body as text; <see langword="null"/> if it is of another type.</summary>
    public string? Text => IsJson || IsText ? Encoding.GetString(Bytes.Span) : null;

    private string Media => Type?.MediaType?.ToLowerInvariant() ?? "";

    private bool IsJson => Media is "application/json" or "text/json" || Media.EndsWith("+json", StringComparison.Ordinal);

    private bool IsText => Media.StartsWith("text/", StringComparison.Ordinal) || Media.EndsWith("+xml", StringComparison.Ordinal) || TextTypes.Contains(Media, StringComparer.Ordinal);

    // Other bytes are shown as U+FFFD: a wrong word of the server is not worth a failed call.
    private Encoding Encoding => Type?.CharSet?.Trim('"').ToUpperInvariant() is "ISO-8859-1" or "LATIN1" ? Encoding.Latin1 : Encoding.UTF8;

    /// <summary>Reads the body of a response.</summary>
    /// <param name="response">The response.</param>
    /// <param name="maxBytes">The most bytes, once unpacked.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    /// <returns>The body. That of a response that is an error is cut off where it is too large.</returns>
    /// <exception cref="EffectUnknownException">It is larger.</exception>
    public static async Task<HttpToolAnswer> ReadAsync(HttpResponseMessage response, int maxBytes, CancellationToken cancellationToken)
    {
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        var buffer = new byte[Math.Min(maxBytes, FirstBytes) + 1];
        var length = 0;
        while (await body.ReadAsync(buffer.AsMemory(length), cancellationToken) is var read and > 0)
        {
            length += read;
            if (length > maxBytes)
            {
                return response.IsSuccessStatusCode
                    ? throw Unusable($"The answer has more than {maxBytes:N0} bytes, which is the limit (\"maxBytes\" of the tool). Ask for less.")
                    : new HttpToolAnswer(buffer.AsMemory(0, maxBytes), response.Content.Headers.ContentType);
            }

            if (length == buffer.Length)
            {
                Array.Resize(ref buffer, (int)Math.Min((long)maxBytes + 1, 2L * buffer.Length));
            }
        }

        return new HttpToolAnswer(buffer.AsMemory(0, length), response.Content.Headers.ContentType);
    }

    /// <summary>Makes the result of the call.</summary>
    /// <param name="tool">The tool's name, for messages.</param>
    /// <returns>JSON as it is, text as a string, nothing as null.</returns>
    /// <exception cref="EffectUnknownException">It is neither.</exception>
    public JsonElement ToJson(string tool)
    {
        if (Bytes.IsEmpty)
        {
            return Payload.Null.Json!.Value;
        }

        if (!IsJson)
        {
            return CallJson.Text(Text ?? throw Unusable($"The tool \"{tool}\" was answered with {(Media.Length == 0 ? "a body of no type" : $"\"{Shown(Media)}\"")}; JSON and text can be read."));
        }

        try
        {
            return StrictJson.Parse(Bytes);
        }
        catch (InvalidJsonException exception)
        {
            throw Unusable($"The tool \"{tool}\" was answered with JSON that cannot be taken: {exception.Message}.");
        }
    }

    // The request was carried out; only its answer is of no use.
    private static EffectUnknownException Unusable(string message) => new(new CallError(ErrorCodes.ToolFailed, message, ErrorKind.Terminal), isLost: false);

    private static string Shown(string text) => text.Length <= 60 ? text : text[..60];
}
