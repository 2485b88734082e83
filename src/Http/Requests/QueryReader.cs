using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
using Polyphony.Http.Instances;
using Polyphony.Http.Problems;

namespace Polyphony.Http.Requests;

/// <summary>Reads query parameters and collects everything that is wrong with them. Parameters that nobody reads are refused.</summary>
/// <param name="request">The request.</param>
internal sealed class QueryReader(HttpRequest request)
{
    // Azure Functions takes its keys as parameters; they are not ours to refuse.
    private static readonly string[] HostParameters = ["code", "clientId"];

    private readonly List<ProblemItem> _problems = [];
    private readonly List<string> _known = [];

    /// <summary>Refuses every parameter, for routes that take none.</summary>
    /// <exception cref="RequestProblemException">There are some.</exception>
    public static void RefuseAll(HttpRequest request) => new QueryReader(request).Check();

    public bool Flag(string name, bool fallback)
    {
        if (Value(name) is not { } text)
        {
            return fallback;
        }

        return bool.TryParse(text, out var flag) ? flag : Wrong(name, "true or false", text, fallback);
    }

    public int Whole(string name, int min, int max, int fallback)
    {
        if (Value(name) is not { } text)
        {
            return fallback;
        }

        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max
            ? number
            : Wrong(name, $"a whole number from {min} to {max}", text, fallback);
    }

    public long Sequence(string name)
    {
        if (Value(name) is not { } text)
        {
            return 0;
        }

        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : Wrong(name, "a whole number from 0", text, 0L);
    }

    public TimeSpan Wait() => TimeSpan.FromSeconds(Whole("wait", 0, (int)PolyphonyHttpOptions.MaxWait.TotalSeconds, 0));

    public DateTimeOffset? Time(string name)
    {
        if (Value(name) is not { } text)
        {
            return null;
        }

        return Rfc3339.TryParse(text, out var time) ? time : Wrong<DateTimeOffset?>(name, $"{Rfc3339.Expected} (in a URL, + is written %2B)", text, null);
    }

    public string? Text(string name, int maxLength)
    {
        if (Value(name) is not { } text)
        {
            return null;
        }

        return text.Length <= maxLength ? text : Wrong<string?>(name, $"at most {maxLength} characters", text, null);
    }

    public IReadOnlyCollection<OrchestrationRuntimeStatus> Statuses(string name)
    {
        var statuses = new HashSet<OrchestrationRuntimeStatus>();
        foreach (var text in Values(name).SelectMany(value => (value ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)))
        {
            if (char.IsAsciiLetter(text[0]) && Enum.TryParse<OrchestrationRuntimeStatus>(text, ignoreCase: true, out var status))
            {
                statuses.Add(status);
            }
            else
            {
                Wrong(name, $"some of {string.Join(", ", Enum.GetNames<OrchestrationRuntimeStatus>())}", text, 0);
            }
        }

        return statuses;
    }

    /// <summary>Reads tags, <c>name=value</c> each.</summary>
    public Dictionary<string, string> Tags(string name)
    {
        var tags = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var text in Values(name))
        {
            var end = text!.IndexOf('=', StringComparison.Ordinal);
            if (end <= 0 || end > StartInstance.MaxTagName || text.Length - end - 1 > StartInstance.MaxTagValue)
            {
                Wrong(name, $"a name and a value such as team=north, up to {StartInstance.MaxTagName} and {StartInstance.MaxTagValue} characters", text, 0);
            }
            else if (StartInstance.IsReserved(text[..end]))
            {
                Wrong(name, "a tag that starts may give; that one is set by the host (\"workflow\" is a parameter of its own)", text, 0);
            }
            else if (!tags.TryAdd(text[..end], text[(end + 1)..]) && tags[text[..end]] != text[(end + 1)..])
            {
                Wrong(name, "given with one value for each name, as all must hold", text, 0);
            }
        }

        Require(name, tags.Count <= StartInstance.MaxTags, $"given at most {StartInstance.MaxTags} times", $"{tags.Count} tags");
        return tags;
    }

    public DateOnly? Date(string name)
    {
        if (Value(name) is not { } text)
        {
            return null;
        }

        return DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day) ? day : Wrong<DateOnly?>(name, "a day such as 2026-01-31", text, null);
    }

    /// <summary>Reads one of some words; the first is taken when there is none.</summary>
    public string OneOf(string name, IReadOnlyList<string> words) => Value(name) is not { } text || words.Contains(text, StringComparer.Ordinal)
        ? Value(name) ?? words[0]
        : Wrong(name, $"one of {string.Join(", ", words)}", text, words[0]);

    /// <summary>Reads words that are separated by commas or given several times.</summary>
    public IReadOnlyList<string> SomeOf(string name, IReadOnlyList<string> words)
    {
        var found = Values(name).SelectMany(value => (value ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)).Distinct(StringComparer.Ordinal).ToList();
        foreach (var unknown in found.Except(words, StringComparer.Ordinal))
        {
            Wrong(name, $"some of {string.Join(", ", words)}", unknown, 0);
        }

        return found;
    }

    /// <summary>Notes a problem unless a condition holds that concerns several parameters.</summary>
    public void Require(string name, bool holds, string expected, string found)
    {
        _ = Values(name);
        if (!holds)
        {
            Wrong(name, expected, found, 0);
        }
    }

    /// <summary>Ends the reading.</summary>
    /// <exception cref="RequestProblemException">Something is wrong.</exception>
    public void Check()
    {
        foreach (var unknown in request.Query.Keys.Where(key => key.Length > 0 && !_known.Contains(key, StringComparer.OrdinalIgnoreCase) && !HostParameters.Contains(key, StringComparer.OrdinalIgnoreCase)))
        {
            _problems.Add(new ProblemItem(
                $"Unknown query parameter \"{FieldReader.Shorten(unknown)}\"; {(_known.Count == 0 ? "there are none" : $"known are {string.Join(", ", _known)}")}.", ProblemCodes.InvalidParameter, Parameter: FieldReader.Shorten(unknown)));
        }

        if (_problems.Count > 0)
        {
            throw RequestProblemException.Of(_problems);
        }
    }

    private StringValues Values(string name)
    {
        if (!_known.Contains(name, StringComparer.Ordinal))
        {
            _known.Add(name);
        }

        return request.Query[name];
    }

    private string? Value(string name) => Values(name) is [.., { Length: > 0 } last] ? last : null;

    private T Wrong<T>(string name, string expected, string found, T fallback)
    {
        _problems.Add(new ProblemItem(
            $"Query parameter \"{name}\" must be {expected}; found \"{FieldReader.Shorten(found)}\".", ProblemCodes.InvalidParameter, Parameter: name));
        return fallback;
    }
}
