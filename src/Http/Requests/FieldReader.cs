using System.Text.Json;
using Polyphony.Core.Definitions;
using Polyphony.Expressions;
using Polyphony.Http.Problems;

namespace Polyphony.Http.Requests;

/// <summary>Reads the fields of a JSON object and collects everything that is wrong, so that a caller gets all problems at once.</summary>
/// <param name="json">The object.</param>
/// <param name="pointer">Where the object stands in the body.</param>
/// <param name="problems">Where problems go.</param>
internal sealed class FieldReader(JsonElement json, string pointer, List<ProblemItem> problems)
{
    private readonly List<string> _known = [];

    public JsonElement? Any(string name)
    {
        _known.Add(name);
        return json.TryGetProperty(name, out var value) ? value : null;
    }

    public string? Text(string name, int maxLength)
    {
        if (Any(name) is not { } value)
        {
            return null;
        }

        if (value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text && text.Length <= maxLength)
        {
            return text;
        }

        return Wrong<string>(name, $"a string of 1 to {maxLength} characters", value);
    }

    public long? Whole(string name, long min, long max)
    {
        if (Any(name) is not { } value)
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) && number >= min && number <= max
            ? number
            : Wrong<long?>(name, $"a whole number from {min} to {max}", value);
    }

    public decimal? Number(string name, decimal min, decimal max)
    {
        if (Any(name) is not { } value)
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out var number) && number >= min && number <= max
            ? number
            : Wrong<decimal?>(name, $"a number from {min} to {max}", value);
    }

    public DateTimeOffset? Time(string name)
    {
        if (Any(name) is not { } value)
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.String && Rfc3339.TryParse(value.GetString(), out var time)
            ? time
            : Wrong<DateTimeOffset?>(name, Rfc3339.Expected, value);
    }

    public FieldReader? Object(string name)
    {
        if (Any(name) is not { } value)
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.Object ? new FieldReader(value, $"{pointer}/{name}", problems) : Wrong<FieldReader>(name, "an object", value);
    }

    public IReadOnlyDictionary<string, string>? Texts(string name, int maxCount, int maxNameLength, int maxLength)
    {
        if (Any(name) is not { } value)
        {
            return null;
        }

        if (value.ValueKind == JsonValueKind.Object && value.GetPropertyCount() <= maxCount
            && value.EnumerateObject().All(each => each.Name.Length is > 0 && each.Name.Length <= maxNameLength
                && each.Value.ValueKind == JsonValueKind.String && each.Value.GetString()!.Length <= maxLength))
        {
            return value.EnumerateObject().ToDictionary(each => each.Name, each => each.Value.GetString()!, StringComparer.Ordinal);
        }

        return Wrong<IReadOnlyDictionary<string, string>>(
            name, $"an object of at most {maxCount} texts, names up to {maxNameLength} and values up to {maxLength} characters", value);
    }

    /// <summary>Reports fields that nobody asked for.</summary>
    public void RefuseOthers()
    {
        foreach (var field in json.EnumerateObject().Where(field => !_known.Contains(field.Name, StringComparer.Ordinal)))
        {
            problems.Add(new ProblemItem(
                $"Unknown field \"{Shorten(field.Name)}\"; known are {string.Join(", ", _known)}.", ProblemCodes.UnknownField, $"{pointer}/{JsonPointer.Escape(Shorten(field.Name))}"));
        }
    }

    public static string Shorten(string text) => text.Length > 60 ? text[..60] + "…" : text;

    private T? Wrong<T>(string name, string expected, JsonElement found)
    {
        problems.Add(new ProblemItem(
            $"\"{name}\" must be {expected}; found {Shorten(found.GetRawText())}.", ProblemCodes.InvalidRequest, $"{pointer}/{name}"));
        return default;
    }
}
