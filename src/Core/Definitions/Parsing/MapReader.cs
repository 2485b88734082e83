using System.Text.RegularExpressions;
using Polyphony.Core.Definitions.Sources;
using Polyphony.Expressions;

namespace Polyphony.Core.Definitions.Parsing;

/// <summary>
/// Reads a map key by key and remembers which were asked for, so that <see cref="Finish"/> can report the others. What is missing or of the wrong type
/// is reported once and read as absent.
/// </summary>
internal sealed partial class MapReader
{
    private readonly Dictionary<string, SourceEntry> _entries = new(StringComparer.Ordinal);
    private readonly List<string> _known = [];
    private readonly Dictionary<string, string> _hints = new(StringComparer.Ordinal);

    public MapReader(ParseContext context, SourceMapping map, string path, SourceLocation location)
    {
        Context = context;
        Path = path;
        Location = location;
        foreach (var entry in map.Entries)
        {
            var entryPath = ParseContext.Join(path, entry.Key);
            if (_entries.TryAdd(entry.Key, entry))
            {
                context.Locations.TryAdd(entryPath, entry.KeyLocation);
            }
            else
            {
                context.Error("duplicate_key", entryPath, entry.KeyLocation, $"the key \"{entry.Key}\" is written twice", "Keep one of them.");
            }
        }
    }

    public ParseContext Context { get; }

    public string Path { get; }

    /// <summary>Gets where the map is named (its key, if it has one): the place of what is missing in it.</summary>
    public SourceLocation Location { get; }

    public string PathOf(string key) => ParseContext.Join(Path, key);

    public bool Has(string key) => _entries.ContainsKey(key);

    public SourceLocation KeyLocation(string key) => _entries.TryGetValue(key, out var entry) ? entry.KeyLocation : Location;

    /// <summary>Adds a hint for a key that is unknown here for a reason.</summary>
    public void Explain(string key, string hint) => _hints[key] = hint;

    public SourceNode? Value(string key)
    {
        if (!_known.Contains(key))
        {
            _known.Add(key);
        }

        return _entries.TryGetValue(key, out var entry) ? entry.Value : null;
    }

    public void Missing(string key, string what, string? hint = null) =>
        Context.Error("missing_key", PathOf(key), Location, $"the key \"{key}\" is missing{(Path.Length == 0 ? "" : $" in {Path}")}: {what}", hint);

    public void WrongType(string key, SourceNode node, string expected, string? hint = null) => WrongTypeAt(PathOf(key), node, $"\"{key}\"", expected, hint);

    public void WrongTypeAt(string path, SourceNode node, string what, string expected, string? hint = null) =>
        Context.Error("wrong_type", path, node.Location, $"{what} must be {expected}, not {SourceValues.Describe(node)}", hint);

    public void Invalid(string key, string message, string? hint = null) =>
        Context.Error("invalid_value", PathOf(key), _entries.TryGetValue(key, out var entry) ? entry.Value.Location : Location, message, hint);

    /// <summary>Reports a key that has no effect here.</summary>
    public void NotApplicable(string key, string message, string hint) => Context.Error("not_applicable", PathOf(key), KeyLocation(key), message, hint);

    public SourceScalar? TextNode(string key, string expected = "a string", string? hint = null)
    {
        var node = Value(key);
        if (node is null or SourceScalar { Value: string })
        {
            return (SourceScalar?)node;
        }

        WrongType(key, node, expected, hint ?? (node is SourceScalar { Value: not null } ? "Put it in quotes." : null));
        return null;
    }

    public string? Text(string key, bool mayBeEmpty = false)
    {
        var node = TextNode(key);
        if (node is null || mayBeEmpty || !string.IsNullOrWhiteSpace(node.Text))
        {
            return node?.Text;
        }

        Invalid(key, $"\"{key}\" is empty");
        return null;
    }

    /// <summary>Reads the name of a node or an agent; whether there is one is checked at the end.</summary>
    public string? NodeOrAgent(string key)
    {
        var name = Text(key);
        if (name is not null && !(Context.HandlesMessages && name == MessageFilter.Conversation))
        {
            Context.NameUses.Add((PathOf(key), Value(key)!.Location, name));
        }

        return name;
    }

    public long? Long(string key, long min, long max)
    {
        var node = Value(key);
        if (node is null)
        {
            return null;
        }

        if (node is not SourceScalar { Value: long value })
        {
            WrongType(key, node, "a whole number", $"From {min:N0} to {max:N0}.");
            return null;
        }

        if (value >= min && value <= max)
        {
            return value;
        }

        Invalid(key, $"\"{key}\" must be from {min:N0} to {max:N0}, not {value:N0}");
        return null;
    }

    public int? Int(string key, int min, int max) => (int?)Long(key, min, max);

    public double? Number(string key, double min, double max)
    {
        var node = Value(key);
        if (node is null)
        {
            return null;
        }

        double? value = node is SourceScalar scalar ? scalar.Value switch { long whole => whole, double real => real, _ => null } : null;
        if (value is null)
        {
            WrongType(key, node, "a number", $"From {min:#,0.####} to {max:#,0.####}.");
        }
        else if (!(value >= min && value <= max))
        {
            Invalid(key, $"\"{key}\" must be from {min:#,0.####} to {max:#,0.####}, not {((SourceScalar)node).Text}");
        }
        else
        {
            return value;
        }

        return null;
    }

    public TimeSpan? Duration(string key, TimeSpan? min = null, TimeSpan? max = null)
    {
        var node = Value(key);
        return node is null ? null : Duration(PathOf(key), node, $"\"{key}\"", min, max);
    }

    public TimeSpan? Duration(string path, SourceNode node, string what, TimeSpan? min = null, TimeSpan? max = null)
    {
        var (shortest, longest) = (min ?? TimeSpan.FromMilliseconds(1), max ?? Definitions.Duration.Longest);
        if (node is SourceScalar { Value: string } scalar && Definitions.Duration.TryParse(scalar.Text, out var duration))
        {
            if (duration >= shortest && duration <= longest)
            {
                return duration;
            }

            Context.Error(
                "invalid_value", path, node.Location, $"{what} must be from {Definitions.Duration.Format(shortest)} to {Definitions.Duration.Format(longest)}, not {scalar.Text}");
            return null;
        }

        var hint = node is SourceScalar { Value: long number } ? $"Add a unit: {number}s for seconds, {number}m for minutes." : "Whole numbers with units, the larger first: 500ms, 30s, 5m, 24h, 7d, 1h30m.";
        Context.Error("invalid_duration", path, node.Location, $"{what} must be a duration, not {SourceValues.Describe(node)}", hint);
        return null;
    }

    public T? OneOf<T>(string key, params (string Name, T Value)[] choices)
        where T : struct
    {
        var node = Value(key);
        if (node is null)
        {
            return null;
        }

        var names = choices.Select(choice => choice.Name).ToArray();
        var all = string.Join(", ", names);
        if (node is not SourceScalar { Value: string text })
        {
            WrongType(key, node, "one of " + all);
            return null;
        }

        foreach (var choice in choices)
        {
            if (choice.Name == (string)text)
            {
                return choice.Value;
            }
        }

        Invalid(key, $"\"{key}\" must be one of {all}, not \"{SourceValues.Shorten((string)text)}\"", NearMatch.Hint((string)text, names));
        return null;
    }

    public MapReader? Map(string key)
    {
        var node = Value(key);
        if (node is null or SourceMapping)
        {
            return node is null ? null : new MapReader(Context, (SourceMapping)node, PathOf(key), KeyLocation(key));
        }

        WrongType(key, node, "an object");
        return null;
    }

    /// <summary>Reads a list of names; one name alone is a list of one.</summary>
    public IReadOnlyList<SourceScalar> Names(string key)
    {
        switch (Value(key))
        {
            case null:
                return [];
            case SourceScalar { Value: string } one:
                return [one];
            case SourceSequence list:
                var names = new List<SourceScalar>();
                for (var i = 0; i < list.Items.Count; i++)
                {
                    if (list.Items[i] is SourceScalar { Value: string } name)
                    {
                        names.Add(name);
                    }
                    else
                    {
                        WrongTypeAt($"{PathOf(key)}[{i}]", list.Items[i], $"each entry of \"{key}\"", "a string");
                    }
                }

                return names;
            case var other:
                WrongType(key, other, "an array of strings");
                return [];
        }
    }

    /// <summary>Reads the entries of a map from names to values, such as <c>agents</c>.</summary>
    public IEnumerable<SourceEntry> Named(string key, string example)
    {
        switch (Value(key))
        {
            case null:
                break;
            case SourceMapping map:
                var path = PathOf(key);
                var names = new HashSet<string>(StringComparer.Ordinal);
                foreach (var entry in map.Entries)
                {
                    Context.Locations.TryAdd(ParseContext.Join(path, entry.Key), entry.KeyLocation);
                    if (names.Add(entry.Key))
                    {
                        yield return entry;
                    }
                    else
                    {
                        Context.Error("duplicate_key", ParseContext.Join(path, entry.Key), entry.KeyLocation, $"the name \"{entry.Key}\" is used twice in {path}", "Rename one of them.");
                    }
                }

                break;
            case var other:
                WrongType(key, other, "an object from names to values", example);
                break;
        }
    }

    /// <summary>Reports the keys that nobody asked for.</summary>
    public void Finish()
    {
        foreach (var (key, entry) in _entries)
        {
            if (_known.Contains(key))
            {
                continue;
            }

            var hint = _hints.TryGetValue(key, out var explained) ? explained : NearMatch.Hint(key, _known) ?? $"Known keys here: {string.Join(", ", _known)}.";
            Context.Error("unknown_key", PathOf(key), entry.KeyLocation, $"unknown key \"{SourceValues.Shorten(key)}\"{(Path.Length == 0 ? "" : $" in {Path}")}", hint);
        }
    }

    public bool CheckName(string path, SourceLocation location, string name, string what, NameRule rule)
    {
        var (pattern, says) = rule switch
        {
            NameRule.Workflow => (WorkflowName(), "1 to 63 lower-case letters, digits and \"-\", beginning with a letter or digit"),
            NameRule.Node => (NodeName(), "a letter, then letters, digits and \"_\", at most 63 in all"),
            _ => (OtherName(), "a letter, then letters, digits, \"_\", \"-\" and \".\", at most 63 in all"),
        };
        if (pattern.IsMatch(name) && !(rule == NameRule.Node && name is "true" or "false" or "null" or "in"))
        {
            return true;
        }

        Context.Error("invalid_name", path, location, $"\"{SourceValues.Shorten(name)}\" is no {what} name", $"Use {says}.");
        return false;
    }

    [GeneratedRegex("^[a-z0-9][a-z0-9-]{0,62}\\z", RegexOptions.None, 1000)]
    private static partial Regex WorkflowName();

    [GeneratedRegex("^[A-Za-z][A-Za-z0-9_]{0,62}\\z", RegexOptions.None, 1000)]
    private static partial Regex NodeName();

    [GeneratedRegex("^[A-Za-z][A-Za-z0-9_.-]{0,62}\\z", RegexOptions.None, 1000)]
    private static partial Regex OtherName();
}

/// <summary>What a name may look like.</summary>
internal enum NameRule
{
    /// <summary>As in addresses: lower case, digits, <c>-</c>.</summary>
    Workflow,

    /// <summary>As in expressions: letters, digits, <c>_</c>.</summary>
    Node,

    /// <summary>Agents, models, tools, events.</summary>
    Other,
}
