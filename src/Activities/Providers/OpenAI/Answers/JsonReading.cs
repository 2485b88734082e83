using System.Globalization;
using System.Text.Json;
using Polyphony.Core.Runs;

namespace Polyphony.Activities.Providers.OpenAI.Answers;

/// <summary>Reads members that may be missing, null or of another type than expected.</summary>
internal static class JsonReading
{
    /// <summary>Writes what was read within JsonLimits.MaxDepth, with room for what is put around it.</summary>
    public static readonly JsonSerializerOptions DeepWriting = new() { MaxDepth = 300 };

    /// <summary>Gets a member; <see langword="null"/> if it is missing or null, or if this is not an object.</summary>
    public static JsonElement? Member(this JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    /// <summary>Gets the first of several members that is there.</summary>
    public static JsonElement? Member(this JsonElement json, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (json.Member(name) is { } value)
            {
                return value;
            }
        }

        return null;
    }

    /// <summary>Gets a member as text: a string, or a number as it is written; else <see langword="null"/>.</summary>
    public static string? Text(this JsonElement json, params ReadOnlySpan<string> names) => json.Member(names) switch
    {
        { ValueKind: JsonValueKind.String } text => text.GetString(),
        { ValueKind: JsonValueKind.Number } number => number.GetRawText(),
        _ => null,
    };

    /// <summary>Gets the items of a list; none if it is something else.</summary>
    public static IEnumerable<JsonElement> Items(this JsonElement? list) => list is { ValueKind: JsonValueKind.Array } array ? array.EnumerateArray() : [];

    /// <summary>Gets a count from a number of any form, or a number in a string; <see langword="null"/> if it is none, or negative, or beyond all reason.</summary>
    public static long? Count(this JsonElement json, params ReadOnlySpan<string> names)
    {
        const double Most = 1e15;
        return double.TryParse(json.Text(names), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && number is >= 0 and < Most ? (long)Math.Round(number) : null;
    }

    /// <summary>Makes a name or an id of a server fit for one line: no control characters, at most 200 characters.</summary>
    public static string? OneLine(string? text)
    {
        const int Longest = 200;
        if (string.IsNullOrWhiteSpace(text))
        {
            return null;
        }

        var line = ErrorText.Beginning(text, Longest);
        return line.Any(char.IsControl) ? string.Concat(line.Select(character => char.IsControl(character) ? ' ' : character)) : line;
    }
}
