using Polyphony.Core.Definitions.Sources;

namespace Polyphony.Core.Definitions.Parsing;

/// <summary>Reads <c>termination</c>.</summary>
internal static class TerminationReader
{
    private static readonly string[] Keys = ["maxMessages", "maxTokens", "textMention", "from", "timeout", "handoff", "when", "any", "all"];

    public static TerminationCondition? Read(MapReader parent, string path, SourceNode node)
    {
        if (node is not SourceMapping mapping)
        {
            parent.WrongTypeAt(path, node, $"\"{path}\"", "an object", "Such as { maxMessages: 20 }, or { any: [ … ] }.");
            return null;
        }

        var map = new MapReader(parent.Context, mapping, path, mapping.Location);
        foreach (var key in Keys)
        {
            map.Value(key);
        }

        var conditions = new List<TerminationCondition>();
        var before = parent.Context.Problems.Count;

        // In the order of the file, because the first that holds gives the stop reason.
        foreach (var key in mapping.Entries.Select(entry => entry.Key).Distinct(StringComparer.Ordinal))
        {
            if (Condition(map, key) is { } condition)
            {
                conditions.Add(condition);
            }
        }

        if (map.Has("from") && !map.Has("textMention"))
        {
            parent.Context.Error("not_applicable", map.PathOf("from"), map.KeyLocation("from"), "\"from\" belongs to \"textMention\"", "Add textMention, or remove from.");
        }

        map.Finish();
        if (conditions.Count == 0 && parent.Context.Problems.Count == before)
        {
            parent.Context.Error("invalid_value", path, mapping.Location, $"\"{path}\" names no condition", "Such as { maxMessages: 20 }.");
        }

        return conditions.Count switch { 0 => null, 1 => conditions[0], _ => new AnyTermination(conditions) };
    }

    private static TerminationCondition? Condition(MapReader map, string key)
    {
        switch (key)
        {
            case "maxMessages":
                return map.Int(key, 1, 100_000_000) is { } messages ? new MaxMessagesTermination(messages) : null;
            case "maxTokens":
                return map.Long(key, 1, 1_000_000_000_000) is { } tokens ? new MaxTokensTermination(tokens) : null;
            case "textMention":
                return map.Text(key) is { } text ? new TextMentionTermination(text, map.NodeOrAgent("from")) : null;
            case "timeout":
                return map.Duration(key) is { } after ? new TimeoutTermination(after) : null;
            case "handoff":
                return map.Text(key) is { } target ? new HandoffTermination(target) : null;
            case "when":
                return map.Condition(key, ExpressionPlace.Termination, null) is { } when ? new ExpressionTermination(when) : null;
            case "any" or "all":
                return Combined(map, key);
            default:
                return null;
        }
    }

    private static TerminationCondition? Combined(MapReader map, string key) => Several(map, key) switch
    {
        null => null,
        var conditions when key == "any" => new AnyTermination(conditions),
        var conditions => new AllTermination(conditions),
    };

    private static List<TerminationCondition>? Several(MapReader map, string key)
    {
        if (map.Value(key) is not SourceSequence list)
        {
            map.WrongType(key, map.Value(key)!, "an array of conditions", "Such as [ { maxMessages: 20 }, { timeout: 10m } ].");
            return null;
        }

        if (list.Items.Count == 0)
        {
            map.Invalid(key, $"\"{key}\" is empty", "Name at least one condition.");
            return null;
        }

        var conditions = new List<TerminationCondition>();
        for (var i = 0; i < list.Items.Count; i++)
        {
            if (Read(map, $"{map.PathOf(key)}[{i}]", list.Items[i]) is { } condition)
            {
                conditions.Add(condition);
            }
        }

        return conditions;
    }
}
