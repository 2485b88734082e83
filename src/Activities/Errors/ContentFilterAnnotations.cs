using System.Text;
using System.Text.Json;

namespace Polyphony.Activities.Errors;

/// <summary>
/// Reads what Azure OpenAI says about content that it has filtered: per category whether it was filtered, and how severe it is or that it was detected. Bodies of other shapes say nothing.
/// </summary>
internal static class ContentFilterAnnotations
{
    private const string Prompt = "the prompt";
    private const string Answer = "the answer";

    // An answer is not trusted to be short.
    private const int LongestText = 300;
    private const int LongestWord = 60;

    /// <summary>Reads the <c>error</c> of a refused request.</summary>
    /// <param name="error">The member <c>error</c> of the body.</param>
    /// <returns>Such as <c>violence (medium) in the prompt</c>; <see langword="null"/> if it names no category.</returns>
    public static string? OfError(JsonElement error)
    {
        // A request that is refused as a whole has not been answered, so it is the prompt.
        var inner = Member(error, "innererror") ?? Member(error, "inner_error") ?? default;
        return Say([(Prompt, Member(inner, "content_filter_result") ?? Member(inner, "content_filter_results"))]);
    }

    /// <summary>Reads a completion that ended with <c>content_filter</c>.</summary>
    /// <param name="completion">The body.</param>
    /// <returns>Such as <c>protected material text (detected) in the answer</c>; <see langword="null"/> if it names no category.</returns>
    public static string? OfCompletion(JsonElement completion)
    {
        // Older api-versions have prompt_annotations.
        var prompts = Items(Member(completion, "prompt_filter_results") ?? Member(completion, "prompt_annotations"));
        return Say(
        [
            .. prompts.Select(prompt => (Prompt, Member(prompt, "content_filter_results"))),
            .. Items(Member(completion, "choices")).Select(choice => (Answer, Member(choice, "content_filter_results"))),
        ]);
    }

    // What was detected and let through is of interest only if nothing is marked as filtered.
    private static string? Say(IReadOnlyList<(string Where, JsonElement? Results)> parts) => Say(parts, "filtered") ?? Say(parts, "detected");

    private static string? Say(IReadOnlyList<(string Where, JsonElement? Results)> parts, string flag)
    {
        var groups = parts
            .SelectMany(part => Categories(part.Results).Where(category => IsSet(category.Result, flag)).Select(category => (part.Where, Text: Describe(category.Name, category.Result))))
            .Distinct()
            .GroupBy(entry => entry.Where, entry => entry.Text)
            .Select(group => $"{string.Join(", ", group)} in {group.Key}");
        var text = string.Join("; ", groups);
        return text.Length switch { 0 => null, > LongestText => $"{text[..LongestText]}…", _ => text };
    }

    private static IEnumerable<(string Name, JsonElement Result)> Categories(JsonElement? results) =>
        results is { ValueKind: JsonValueKind.Object } map ? map.EnumerateObject().Select(member => (member.Name, member.Value)) : [];

    private static string Describe(string name, JsonElement result)
    {
        var what = Word(name.Replace('_', ' '));
        if (Member(result, "severity") is { ValueKind: JsonValueKind.String } severity)
        {
            return $"{what} ({Word(severity.GetString()!)})";
        }

        // Lists and topics of the customer's own say which of them: by now in "details", before as the result itself.
        var ids = Items(result.ValueKind == JsonValueKind.Array ? result : Member(result, "details"))
            .Where(IsHit)
            .Select(item => Member(item, "id"))
            .Where(id => id is { ValueKind: JsonValueKind.String })
            .Select(id => Word(id!.Value.GetString()!))
            .ToArray();
        return ids.Length > 0 ? $"{what} ({string.Join(", ", ids)})" : IsSet(result, "detected") ? $"{what} (detected)" : what;
    }

    private static bool IsSet(JsonElement result, string flag) =>
        result.ValueKind == JsonValueKind.Array ? Items(result).Any(item => IsSet(item, flag)) : Member(result, flag) is { ValueKind: JsonValueKind.True };

    private static bool IsHit(JsonElement item) => IsSet(item, "filtered") || IsSet(item, "detected");

    private static IEnumerable<JsonElement> Items(JsonElement? list) => list is { ValueKind: JsonValueKind.Array } array ? array.EnumerateArray() : [];

    private static JsonElement? Member(JsonElement map, string name) => map.ValueKind == JsonValueKind.Object && map.TryGetProperty(name, out var value) ? value : null;

    private static string Word(string text)
    {
        var word = new StringBuilder();
        foreach (var character in text.AsSpan(0, Math.Min(text.Length, LongestWord)))
        {
            word.Append(char.IsControl(character) ? ' ' : character);
        }

        return word.ToString();
    }
}
