using System.Text;
using System.Text.RegularExpressions;

namespace Polyphony.Activities.Errors;

/// <summary>
/// Takes out of a provider's words what they must not carry on: the key of the request, whatever else looks like a key or a token, and what the request said.
/// Providers echo all of them in errors.
/// </summary>
/// <param name="keys">The keys that the request was sent with.</param>
/// <param name="prompts">The texts of the request.</param>
internal sealed partial class Redaction(IReadOnlyCollection<string> keys, IReadOnlyCollection<string> prompts)
{
    /// <summary>Stands for a key or a token.</summary>
    public const string Key = "[key]";

    /// <summary>Stands for words of the request.</summary>
    public const string Prompt = "[prompt]";

    /// <summary>Knows no request: only what looks like a key goes.</summary>
    public static readonly Redaction None = new([], []);

    private const int ShortestKey = 6;

    /// <summary>A prompt below this length could be any word.</summary>
    private const int ShortestPrompt = 6;

    /// <summary>So many characters in a row are no chance.</summary>
    private const int Window = 16;

    private const int MostPromptCharacters = 4_000_000;

    /// <summary>Redacts a text.</summary>
    /// <param name="text">A text as <see cref="ProviderText.Clean"/> leaves it; some thousand characters at most.</param>
    /// <returns>The text without keys and prompts.</returns>
    public string Apply(string text)
    {
        foreach (var key in keys.Where(key => key.Length >= ShortestKey).OrderByDescending(key => key.Length))
        {
            text = text.Replace(key, Key, StringComparison.OrdinalIgnoreCase);
        }

        text = WithoutPrompts(text);
        text = UserInfo().Replace(text, $"://{Key}@");
        text = Tokens().Replace(text, Key);
        text = Named().Replace(text, match => IsSecret(match.Groups["value"].ValueSpan)
            ? string.Concat(match.ValueSpan[..(match.Groups["value"].Index - match.Index)], Key)
            : match.Value);
        return Opaque().Replace(text, match => IsSecret(match.ValueSpan) ? Key : match.Value);
    }

    // Words have no digits; numbers alone are counts.
    private static bool IsSecret(ReadOnlySpan<char> value) => value.ContainsAnyInRange('0', '9') && value.ContainsAnyExceptInRange('0', '9');

    private string WithoutPrompts(string text)
    {
        if (prompts.Count == 0 || text.Length < ShortestPrompt)
        {
            return text;
        }

        var echoed = new bool[text.Length];
        var cleaned = prompts.Select(ProviderText.Clean).ToArray();
        foreach (var prompt in cleaned.Where(prompt => prompt.Length is >= ShortestPrompt and < Window))
        {
            for (var i = text.IndexOf(prompt, StringComparison.Ordinal); i >= 0; i = text.IndexOf(prompt, i + 1, StringComparison.Ordinal))
            {
                echoed.AsSpan(i, prompt.Length).Fill(true);
            }
        }

        Mark(text, [.. Enumerable.Range(0, text.Length)], cleaned, echoed);

        // As a part of an address, of a page or of JSON within JSON: by its letters and digits alone, which are never written otherwise.
        if (text.AsSpan().ContainsAny('%', '\\', '&'))
        {
            var (letters, places) = Letters(Escapes().Replace(text, match => new string(' ', match.Length)));
            Mark(letters, places, cleaned.Select(prompt => Letters(prompt).Text), echoed);
        }

        // The gaps around an echo are the server's.
        for (var i = 0; i < text.Length; i++)
        {
            echoed[i] &= text[i] != ' ' || (i > 0 && i + 1 < text.Length && echoed[i - 1] && echoed[i + 1]);
        }

        return Without(text, echoed);
    }

    /// <summary>Marks what the text and a prompt have in common, if it is long enough.</summary>
    private static void Mark(string text, IReadOnlyList<int> places, IEnumerable<string> prompts, bool[] echoed)
    {
        var windows = new Dictionary<string, List<int>>(StringComparer.Ordinal);
        for (var i = 0; i + Window <= text.Length; i++)
        {
            var window = text.Substring(i, Window);
            if (windows.TryGetValue(window, out var starts))
            {
                starts.Add(i);
            }
            else
            {
                windows.Add(window, [i]);
            }
        }

        var find = windows.GetAlternateLookup<ReadOnlySpan<char>>();
        var left = MostPromptCharacters;
        foreach (var prompt in prompts)
        {
            for (var i = 0; i + Window <= prompt.Length && left > 0; i++, left--)
            {
                if (find.TryGetValue(prompt.AsSpan(i, Window), out var starts))
                {
                    foreach (var start in starts)
                    {
                        echoed.AsSpan(places[start]..(places[start + Window - 1] + 1)).Fill(true);
                    }
                }
            }
        }
    }

    private static (string Text, IReadOnlyList<int> Places) Letters(string text)
    {
        var letters = new StringBuilder(text.Length);
        List<int> places = [];
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsAsciiLetterOrDigit(text[i]))
            {
                letters.Append(text[i]);
                places.Add(i);
            }
        }

        return (letters.ToString(), places);
    }

    private static string Without(string text, ReadOnlySpan<bool> echoed)
    {
        if (!echoed.Contains(true))
        {
            return text;
        }

        var kept = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            if (!echoed[i])
            {
                kept.Append(text[i]);
            }
            else if (i == 0 || !echoed[i - 1])
            {
                kept.Append(Prompt);
            }
        }

        return kept.ToString();
    }

    // %20, \n and \u00e9 behind any number of backslashes, &quot; and &#34;
    [GeneratedRegex(@"%[0-9a-f]{2}|\\+(u[0-9a-f]{4}|[bfnrt])|&(#x?[0-9a-f]{1,6}|[a-z]{2,8});", RegexOptions.NonBacktracking | RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Escapes();

    [GeneratedRegex(@"://[^/\s@""']+@", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant)]
    private static partial Regex UserInfo();

    // Bearer and Basic tokens, JSON web tokens, and the prefixes that the usual providers and clouds give their keys.
    [GeneratedRegex(
        @"\b((bearer|basic)\s+[^\s""',;)}\]]{6,}|eyj[\w-]{8,}\.[\w-]+(\.[\w-]+)?|(sk|pk|rk|gsk|xai|hf|fw|nvapi|r8|pplx|csk|key|ghp|gho|github_pat|glpat)[-_][\w.*-]{4,}|aiza[\w-]{10,}|akia[a-z0-9]{12,})",
        RegexOptions.NonBacktracking | RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Tokens();

    // "api key provided: VALUE", "key=VALUE", "token: VALUE"
    [GeneratedRegex(
        @"\b(api[-_ ]?key|subscription[-_ ]key|key|token|secret|password|authorization|signature|sig)\b[^:=]{0,20}[:=]\s*[""']?(?<value>[^\s""',;&)}\]\[]{6,})",
        RegexOptions.NonBacktracking | RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Named();

    // Keys of Azure have 32 hex digits or 84 letters and digits.
    [GeneratedRegex(@"\b([0-9a-fA-F]{32,}|[A-Za-z0-9_-]{40,})\b", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Opaque();
}
