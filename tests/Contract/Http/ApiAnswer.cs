using System.Net;
using System.Text.Json;

namespace Polyphony.Contract.Http;

/// <summary>An answer, read to its end.</summary>
public sealed record ApiAnswer(HttpStatusCode Status, IReadOnlyDictionary<string, string> Headers, string Text)
{
    // Values of 64 levels, and what stands around them.
    public JsonElement Json => JsonElement.Parse(Text, new JsonDocumentOptions { MaxDepth = 128 });

    public string? Code => Text is ['{', ..] && Json is var json && json.TryGetProperty("code", out var code) ? code.GetString() : null;

    public string RuntimeStatus => Json.GetProperty("runtimeStatus").GetString()!;

    public string? StopReason => Json.TryGetProperty("stopReason", out var reason) ? reason.GetString() : null;

    public static async Task<ApiAnswer> ReadAsync(HttpResponseMessage response)
    {
        using (response)
        {
            var headers = response.Headers.Concat(response.Content.Headers)
                .ToDictionary(header => header.Key, header => string.Join(',', header.Value), StringComparer.OrdinalIgnoreCase);
            return new ApiAnswer(response.StatusCode, headers, await response.Content.ReadAsStringAsync());
        }
    }
}
