using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Polyphony.Core.Json;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Activities.Agents;

/// <summary>
/// Finds the JSON in the text of an answer. Models that are asked for JSON alone put it behind their thoughts, into a Markdown block with words around it, or quote it once more; which they do
/// is theirs and stays the same however often they are asked.
/// </summary>
/// <remarks>
/// Nothing is guessed: of several values the one is taken that fits the schema, if exactly one does. What stands inside a value that is broken or cut off is no value, because a part could fit
/// by chance. The work is bounded by the length of the text.
/// </remarks>
internal static partial class AnswerJson
{
    private const string ByteOrderMark = "\uFEFF";
    private const string Fence = "```";
    private const int MostValues = 100;
    private const int MostQuotes = 2;
    private const int MostFences = 20;

    private static readonly SearchValues<char> ValueStarts = SearchValues.Create("\n{[\"");

    /// <summary>Finds the value that fits a schema.</summary>
    /// <param name="text">The answer.</param>
    /// <param name="schema">The schema.</param>
    /// <param name="value">The value.</param>
    /// <returns>What is wrong, for the model to put right; empty if the value fits.</returns>
    public static IReadOnlyList<string> Find(string text, JsonSchema schema, out JsonElement value) => Find(text, schema, 0, out value);

    private static IReadOnlyList<string> Find(string text, JsonSchema schema, int quotes, out JsonElement value)
    {
        // A character that was cut in two within the answer's JSON is replaced as one in the answer itself is.
        text = Trimmed(Surrogates.ReplaceEscaped(text, out _));
        if (TryParse(text, out value, out var problem))
        {
            var violations = Violations(schema, value);
            if (violations.Count == 0 || value.ValueKind != JsonValueKind.String || quotes == MostQuotes)
            {
                return violations;
            }

            var inner = Find(value.GetString()!, schema, quotes + 1, out var quoted);
            if (inner.Count > 0 && quoted.ValueKind == JsonValueKind.Undefined)
            {
                return violations;
            }

            value = quoted;
            return inner;
        }

        IReadOnlyList<string>? wrong = null;
        foreach (var part in Parts(text))
        {
            var found = Choose(Values(part), schema, quotes, out value);
            if (found is { Count: 0 })
            {
                return found;
            }

            wrong ??= found;
        }

        value = default;
        return wrong ?? [problem];
    }

    // Thoughts are no answer. Where they end is the last closing tag, unless an answer quotes one; some servers swallow the opening tag, and some models never close it.
    private static IEnumerable<string> Parts(string text)
    {
        var closes = Close().Matches(text);
        if (closes.Count > 0)
        {
            yield return text[(closes[^1].Index + closes[^1].Length)..];
            yield return Thoughts().Replace(text, "");
            yield return text[(closes[0].Index + closes[0].Length)..];
        }
        else
        {
            yield return text;
        }
    }

    // No value at all is null; one that does not fit is its violations.
    private static IReadOnlyList<string>? Choose(IEnumerable<JsonElement> values, JsonSchema schema, int quotes, out JsonElement value)
    {
        value = default;
        IReadOnlyList<string>? first = null;
        List<JsonElement> fits = [], seen = [];
        foreach (var candidate in values.Take(MostValues))
        {
            // What stands in a block is found again as an object of the text.
            if (seen.Any(other => JsonElement.DeepEquals(other, candidate)))
            {
                continue;
            }

            seen.Add(candidate);
            var found = candidate;
            IReadOnlyList<string> violations = Violations(schema, candidate);
            if (violations.Count > 0 && candidate.ValueKind == JsonValueKind.String && quotes < MostQuotes)
            {
                violations = Find(candidate.GetString()!, schema, quotes + 1, out found);
            }

            first ??= violations;
            if (violations.Count == 0 && !fits.Any(other => JsonElement.DeepEquals(other, found)))
            {
                fits.Add(found);
            }
        }

        if (fits.Count == 1)
        {
            value = fits[0];
            return [];
        }

        return fits.Count > 1 ? [$"it holds {fits.Count} different JSON values that fit; one was asked for"]
            : seen.Count > 1 ? [$"it holds {seen.Count} JSON values, and none of them fits; the first: {first![0]}", .. first.Skip(1)]
            : first;
    }

    private static IEnumerable<JsonElement> Values(string text) =>
        TryParse(Trimmed(text), out var whole, out _) ? [whole] : Fenced(text).Concat(Embedded(text));

    // ```json … ```, the word and the line breaks being optional.
    private static IEnumerable<JsonElement> Fenced(string text)
    {
        var blocks = 0;
        for (var open = text.IndexOf(Fence, StringComparison.Ordinal); open >= 0 && blocks < MostValues; blocks++)
        {
            var start = open + Fence.Length;
            var next = text.Length;

            // A fence within a text of the JSON seems to end it too early.
            var end = text.IndexOf(Fence, start, StringComparison.Ordinal);
            for (var tries = 0; end >= 0 && tries < MostFences; tries++)
            {
                next = tries == 0 ? end + Fence.Length : next;
                if (TryParse(Trimmed(WithoutInfo(text[start..end])), out var value, out _))
                {
                    yield return value;
                    next = end + Fence.Length;
                    break;
                }

                end = text.IndexOf(Fence, end + Fence.Length, StringComparison.Ordinal);
            }

            open = next >= text.Length ? -1 : text.IndexOf(Fence, next, StringComparison.Ordinal);
        }
    }

    // "json" before the value is a word about it; "5" or "true" is a value.
    private static string WithoutInfo(string block)
    {
        var end = block.AsSpan().IndexOfAny(ValueStarts);
        return end <= 0 || TryParse(block[..end], out _, out _) ? block : block[end..];
    }

    private static IEnumerable<JsonElement> Embedded(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        for (var start = bytes.AsSpan().IndexOfAny((byte)'{', (byte)'['); start >= 0;)
        {
            var next = start + 1;
            switch (Read(bytes.AsSpan(start), out var value, out var length))
            {
                case Outcome.Value:
                    yield return value;
                    next = start + length;
                    break;
                case Outcome.Broken when LooksLikeJson(bytes.AsSpan(start)):
                case Outcome.CutOff:
                    yield break;
            }

            var more = bytes.AsSpan(next).IndexOfAny((byte)'{', (byte)'[');
            start = more < 0 ? -1 : next + more;
        }
    }

    private static bool LooksLikeJson(ReadOnlySpan<byte> text)
    {
        var rest = text[1..].TrimStart(" \t\r\n"u8);
        return rest.Length > 0 && rest[0] == (text[0] == (byte)'{' ? (byte)'"' : (byte)'{');
    }

    private static Outcome Read(ReadOnlySpan<byte> text, out JsonElement value, out int length)
    {
        value = default;
        length = 0;
        var reader = new Utf8JsonReader(text, isFinalBlock: false, state: default);
        try
        {
            if (!JsonElement.TryParseValue(ref reader, out var found))
            {
                return Outcome.CutOff;
            }

            value = found.Value;
            length = (int)reader.BytesConsumed;
            return Outcome.Value;
        }
        catch (JsonException)
        {
            return Outcome.Broken;
        }
    }

    private static bool TryParse(string text, out JsonElement value, out string problem)
    {
        value = default;
        try
        {
            var bytes = Encoding.UTF8.GetBytes(text);
            var parsed = JsonElement.Parse(bytes, JsonLimits.Document);
            if (StrictJson.FindProblem(bytes) is { } found)
            {
                problem = found;
                return false;
            }

            value = parsed;
            problem = "";
            return true;
        }
        catch (JsonException exception)
        {
            problem = $"it is not JSON: {exception.Message}";
            return false;
        }
    }

    private static List<string> Violations(JsonSchema schema, JsonElement value) =>
        [.. schema.Validate(value).Select(violation => violation.Pointer.Length == 0 ? violation.Message : $"{violation.Pointer}: {violation.Message}")];

    /// <summary>Says whether a text is nothing but what the model thought before its answer.</summary>
    /// <param name="text">The text of an answer.</param>
    public static bool IsOnlyThoughts(string text) => Thoughts().Count(text) > 0 && string.IsNullOrWhiteSpace(Thoughts().Replace(text, ""));

    private static string Trimmed(string text)
    {
        text = text.Trim();
        return text.StartsWith(ByteOrderMark, StringComparison.Ordinal) ? text[ByteOrderMark.Length..].Trim() : text;
    }

    [GeneratedRegex("</(think|thinking|reasoning|thought)>", RegexOptions.NonBacktracking | RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Close();

    [GeneratedRegex(
        "<(think|thinking|reasoning|thought)>.*?</(think|thinking|reasoning|thought)>",
        RegexOptions.NonBacktracking | RegexOptions.Singleline | RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Thoughts();

    private enum Outcome
    {
        Value,
        Broken,
        CutOff,
    }
}
