using System.Globalization;
using System.Text.Json;
using Polyphony.Activities.Errors;
using Polyphony.Core.Interpreter;

namespace Polyphony.Activities.Providers.OpenAI.Answers;

/// <summary>Finds the error that a server has sent as a success, and classifies it as if it had come with its status.</summary>
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
    /// <returns>The classified error; <see langword="null"/> if there is none.</returns>
    public static CallError? Find(JsonElement completion, JsonElement choice)
    {
        var body = completion is { ValueKind: JsonValueKind.Array } && completion.GetArrayLength() > 0 ? completion[0] : completion;
        var error = body.Member("error") ?? choice.Member("error") ?? (body.Member("errors").Items().FirstOrDefault() is { ValueKind: not JsonValueKind.Undefined } first ? first : null);
        if (error is null && body.Member("choices") is null && body.Member("detail", "message", "msg") is not null)
        {
            error = body;
        }

        return error is { ValueKind: not (JsonValueKind.False or JsonValueKind.Undefined) } found ? Classify(found, body) : null;
    }

    private static CallError Classify(JsonElement error, JsonElement body)
    {
        var code = error.Text("code") ?? body.Text("code");
        var type = error.Text("type", "status") ?? body.Text("type");
        var message = (error.ValueKind == JsonValueKind.String ? error.GetString() : error.Text("message", "detail", "msg") ?? body.Text("message", "detail", "msg")) ?? "";
        var failure = new HttpFailure(
            Status(error, body, code, type), code, type, message.Length > 0 ? message : error.GetRawText(), Filtered: ContentFilterAnnotations.OfError(error));
        return HttpErrors.Classify(failure, DateTimeOffset.UnixEpoch);
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
