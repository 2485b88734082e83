using System.Globalization;
using System.Text;
using System.Text.Json;
using Polyphony.Activities.Errors;

namespace Polyphony.Activities.Providers.OpenAI.Answers;

/// <summary>Finds the error that a server has sent as a success, as if it had come with its status.</summary>
internal static class AnswerErrors
{
    // By code or type, in lower case, of servers that name no status.
    private static readonly (string Word, int Status)[] Statuses =
    [
        ("rate_limit", 429), ("ratelimit", 429), ("too_many_requests", 429), ("insufficient_quota", 429), ("resource_exhausted", 429),
        ("authentication", 401), ("invalid_api_key", 401), ("unauthorized", 401), ("unauthenticated", 401), ("permission", 403), ("forbidden", 403),
        ("not_found", 404), ("context_length", 400), ("content_filter", 400), ("invalid", 400), ("bad_request", 400),
        ("timeout", 408), ("overloaded", 503), ("unavailable", 503),
    ];

    /// <summary>Finds the error.</summary>
    /// <param name="completion">The body.</param>
    /// <param name="choice">The choice that was read, or undefined.</param>
    /// <param name="header">Gets a header by its name.</param>
    /// <returns>The error, as if it were an answer with its status; <see langword="null"/> if there is none.</returns>
    public static HttpFailure? Find(JsonElement completion, JsonElement choice, Func<string, string?> header)
    {
        var body = completion is { ValueKind: JsonValueKind.Array } && completion.GetArrayLength() > 0 ? completion[0] : completion;
        var error = body.Member("error") ?? choice.Member("error") ?? (body.Member("errors").Items().FirstOrDefault() is { ValueKind: not JsonValueKind.Undefined } first ? first : null);
        if (error is null && body.Member("choices") is null && body.Member("detail", "message", "msg") is not null)
        {
            error = body;
        }

        return error is { ValueKind: not (JsonValueKind.False or JsonValueKind.Undefined) } found ? Read(found, body, header) : null;
    }

    private static HttpFailure Read(JsonElement error, JsonElement body, Func<string, string?> header)
    {
        var status = Status(error, body, error.Text("code") ?? body.Text("code"), error.Text("type", "status") ?? body.Text("type"));

        // The request is not at hand here: ProviderErrorPolicy redacts what goes through it.
        return HttpFailure.Read(status, Encoding.UTF8.GetBytes($"{{\"error\":{error.GetRawText()}}}"), header, Redaction.None);
    }

    private static int Status(JsonElement error, JsonElement body, string? code, string? type)
    {
        foreach (var text in (ReadOnlySpan<string?>)[code, error.Text("status", "status_code", "http_status"), body.Text("status", "status_code", "code")])
        {
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var status) && status is >= 400 and < 600)
            {
                return status;
            }
        }

        var words = $"{code} {type}".ToLowerInvariant();
        foreach (var (word, status) in Statuses)
        {
            if (words.Contains(word, StringComparison.Ordinal))
            {
                return status;
            }
        }

        return 500;
    }
}
