using System.ClientModel;
using System.Text.Json;

namespace Polyphony.Activities.Errors;

/// <summary>An answer of a provider that is no success.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Code">The provider's code (<c>error.code</c> of the body), if it gave one.</param>
/// <param name="Type">The provider's type (<c>error.type</c> of the body), if it gave one.</param>
/// <param name="Message">The provider's message.</param>
/// <param name="RetryAfterMs">The header <c>retry-after-ms</c>.</param>
/// <param name="RetryAfter">The header <c>Retry-After</c>: seconds or a date.</param>
/// <param name="Filtered">What a content filter found, such as <c>violence (medium) in the prompt</c>, if the provider says so.</param>
public sealed record HttpFailure(
    int Status, string? Code, string? Type, string Message, string? RetryAfterMs = null, string? RetryAfter = null, string? Filtered = null)
{
    // Some gateways answer with whole pages.
    private const int LongestMessage = 500;

    internal static HttpFailure From(ClientResultException exception)
    {
        var response = exception.GetRawResponse();
        string? code = null, type = null, message = null, filtered = null;
        try
        {
            if (response is not null && response.Content.ToMemory() is { Length: > 0 } content)
            {
                using var document = JsonDocument.Parse(content);
                if (document.RootElement is { ValueKind: JsonValueKind.Object } root && root.TryGetProperty("error", out var error))
                {
                    message = error.ValueKind == JsonValueKind.String ? error.GetString() : Text(error, "message");
                    code = Text(error, "code");
                    type = Text(error, "type");
                    filtered = ContentFilterAnnotations.OfError(error);
                }
            }
        }
        catch (Exception ex) when (ex is JsonException or InvalidOperationException)
        {
            // The body is no JSON or was not read: the status says enough.
        }

        message ??= exception.Message;
        if (response?.Headers.TryGetValue("x-request-id", out var request) == true)
        {
            message = $"{message} (request {request})";
        }

        return new HttpFailure(
            exception.Status,
            code,
            type,
            message.Length > LongestMessage ? string.Concat(message.AsSpan(0, LongestMessage), "…") : message,
            response?.Headers.TryGetValue("retry-after-ms", out var milliseconds) == true ? milliseconds : null,
            response?.Headers.TryGetValue("Retry-After", out var after) == true ? after : null,
            filtered);
    }

    private static string? Text(JsonElement error, string name) =>
        error.ValueKind == JsonValueKind.Object && error.TryGetProperty(name, out var value)
            ? value.ValueKind switch { JsonValueKind.String => value.GetString(), JsonValueKind.Number => value.GetRawText(), _ => null }
            : null;
}
