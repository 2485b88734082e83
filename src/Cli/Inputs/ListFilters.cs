using System.CommandLine;
using System.Globalization;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;

namespace Polyphony.Cli.Inputs;

/// <summary>The options that say which runs are meant, and the query of the HTTP API that they become.</summary>
internal sealed class ListFilters
{
    private readonly Option<string?> _workflow = new("--workflow") { Description = "Only runs of this workflow.", HelpName = "NAME" };
    private readonly Option<string[]> _status = new("--status") { Description = $"Only runs with one of these statuses: {string.Join(", ", Statuses)}.", HelpName = "STATUS" };
    private readonly Option<string[]> _tag = TagOption("Only runs that were started with this tag; with several, all of them.");
    private readonly Option<string?> _since = new("--since") { Description = "Only runs started since then: a time such as 2026-01-31T12:00:00Z, a day (UTC), or an age such as 30m, 12h or 7d.", HelpName = "TIME" };
    private readonly Option<string?> _until = new("--until") { Description = "Only runs started before then, written as for --since.", HelpName = "TIME" };

    private static IEnumerable<string> Statuses => Enum.GetNames<OrchestrationRuntimeStatus>().Select(name => name.ToLowerInvariant());

    public IReadOnlyList<Option> Options => [_workflow, _status, _tag, _since, _until];

    /// <summary>Makes an option that takes tags.</summary>
    public static Option<string[]> TagOption(string description) => new("--tag") { Description = description, HelpName = "NAME=VALUE" };

    /// <summary>Reads the tags that a run is started with.</summary>
    /// <exception cref="CliException">One has no name or no "=", or a name comes twice.</exception>
    public static IReadOnlyDictionary<string, string>? ReadTags(IReadOnlyList<string>? texts)
    {
        var problems = new List<string>();
        var tags = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var text in texts ?? [])
        {
            var end = text.IndexOf('=', StringComparison.Ordinal);
            if (end <= 0)
            {
                problems.Add($"--tag {text}: write a name and a value, such as team=north.");
            }
            else if (!tags.TryAdd(text[..end], text[(end + 1)..]))
            {
                problems.Add($"--tag {text}: \"{text[..end]}\" is given twice.");
            }
        }

        return problems.Count > 0 ? throw CliException.Invalid(string.Join(Environment.NewLine, problems)) : tags.Count == 0 ? null : tags;
    }

    /// <summary>Makes the query.</summary>
    /// <param name="parsed">The arguments.</param>
    /// <param name="now">The time that ages count back from.</param>
    /// <returns>The parameters, each with its name, joined by '&amp;'; empty if nothing is filtered.</returns>
    /// <exception cref="CliException">Something is wrong; everything is listed.</exception>
    public string Query(ParseResult parsed, DateTimeOffset now)
    {
        var problems = new List<string>();
        var parts = new List<(string Name, string Value)>();
        if (parsed.GetValue(_workflow) is { } workflow)
        {
            parts.Add(("workflow", workflow));
        }

        foreach (var status in (parsed.GetValue(_status) ?? []).SelectMany(each => each.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)))
        {
            if (Statuses.Contains(status, StringComparer.OrdinalIgnoreCase))
            {
                parts.Add(("runtimeStatus", status));
            }
            else
            {
                problems.Add($"--status {status}: there is no such status; there are {string.Join(", ", Statuses)}.");
            }
        }

        foreach (var tag in parsed.GetValue(_tag) ?? [])
        {
            if (tag.IndexOf('=', StringComparison.Ordinal) <= 0)
            {
                problems.Add($"--tag {tag}: write a name and a value, such as team=north.");
            }

            parts.Add(("tag", tag));
        }

        AddTime(_since, "createdTimeFrom");
        AddTime(_until, "createdTimeTo");
        return problems.Count > 0
            ? throw CliException.Invalid(string.Join(Environment.NewLine, problems))
            : string.Join('&', parts.Select(part => $"{part.Name}={Uri.EscapeDataString(part.Value)}"));

        void AddTime(Option<string?> option, string name)
        {
            if (parsed.GetValue(option) is not { } text)
            {
                return;
            }

            if (ReadTime(text, now) is { } time)
            {
                parts.Add((name, time.UtcDateTime.ToString("O", CultureInfo.InvariantCulture)));
            }
            else
            {
                problems.Add($"{option.Name} {text}: write a time such as 2026-01-31T12:00:00Z, a day such as 2026-01-31, or an age such as 30m, 12h or 7d.");
            }
        }
    }

    /// <summary>Reads a time, a day or an age.</summary>
    internal static DateTimeOffset? ReadTime(string text, DateTimeOffset now)
    {
        if (Rfc3339.TryParse(text, out var time))
        {
            return time;
        }

        if (DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day))
        {
            return new DateTimeOffset(day, TimeOnly.MinValue, TimeSpan.Zero);
        }

        var minutes = text is [.., var unit] ? unit switch { 'm' => 1, 'h' => 60, 'd' => 24 * 60, _ => 0 } : 0;
        return minutes > 0 && int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var count) && (long)count * minutes < (now - DateTimeOffset.MinValue).TotalMinutes
            ? now.AddMinutes(-(double)count * minutes)
            : null;
    }
}
