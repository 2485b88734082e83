using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Parsing;
using Polyphony.Core.Definitions.Sources;
using Polyphony.Expressions;

namespace Polyphony.Core.Nodes.Waits;

/// <summary>Reads <c>wait</c>: a duration, or a map that says for what.</summary>
internal static class WaitNodeReader
{
    public static WaitNode? Read(string name, MapReader node)
    {
        var value = node.Value("wait")!;
        if (value is not SourceMapping)
        {
            return node.Duration(node.PathOf("wait"), value, "\"wait\"") is { } duration ? new WaitNode { Name = name, For = duration } : null;
        }

        var map = node.Map("wait")!;
        var wait = new WaitNode
        {
            Name = name,
            For = map.Duration("for"),
            Until = map.Template("until", ExpressionPlace.Node, name, ExpressionType.String),
            Event = map.Text("event"),
            Schema = map.Schema("schema"),
        };
        Check(wait, map);
        map.Finish();
        return wait;
    }

    private static void Check(WaitNode wait, MapReader map)
    {
        var given = ((string[])["for", "until", "event"]).Where(map.Has).ToArray();
        if (given.Length != 1)
        {
            map.Context.Error(
                "invalid_value",
                map.Path,
                map.Location,
                given.Length == 0 ? "\"wait\" does not say for what" : $"\"wait\" has several of {string.Join(", ", given)}",
                "Give exactly one of for (a duration), until (a time) and event (a name).");
        }

        if (map.Has("schema") && !map.Has("event"))
        {
            map.NotApplicable("schema", "\"schema\" belongs to \"event\"", "Remove it, or wait for an event.");
        }

        if (wait.Event is not null)
        {
            map.CheckName(map.PathOf("event"), map.Value("event")!.Location, wait.Event, "event", NameRule.Other);
        }

        if (wait.Until is { References.Count: 0 } until && ConstantText(until) is { } text && !Rfc3339.TryParse(text, out _))
        {
            map.Invalid("until", $"\"{SourceValues.Shorten(text)}\" is not an RFC 3339 time with Z or an offset", "Write date, time and offset, such as 2026-12-24T18:00:00Z or 2026-12-24T19:00:00+01:00.");
        }
    }

    /// <summary>Gets the text of a template that reads nothing; null if it has none, which its type check reports.</summary>
    private static string? ConstantText(Template template)
    {
        try
        {
            return template.Render(new ExpressionScope(new Dictionary<string, ExpressionValue>()));
        }
        catch (ExpressionException)
        {
            return null;
        }
    }
}
