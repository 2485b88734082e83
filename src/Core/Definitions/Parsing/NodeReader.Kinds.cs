using Polyphony.Core.Definitions.Sources;
using Polyphony.Expressions;

namespace Polyphony.Core.Definitions.Parsing;

internal sealed partial class NodeReader
{
    private TimeSpan? _humanTimeout;
    private (string Path, SourceLocation Location)? _onTimeout;

    private AgentNode? Agent()
    {
        var agent = _map.Text("agent");
        var prompt = _map.Template("prompt", ExpressionPlace.Node, entry.Key);
        if (!_map.Has("prompt"))
            _map.Missing("prompt", "an agent is always asked something", "Such as prompt: \"{{ input.question }}\"");

        var output = _map.Schema("output");
        if (agent is not null)
            _context.AgentUses.Add((_map.PathOf("agent"), _map.Value("agent")!.Location, agent));

        var maxWait = AgentReader.MaxWait(_map);
        var onTruncation = AgentReader.OnTruncation(_map);
        return agent is null || prompt is null ? null : new AgentNode
        {
            Name = entry.Key,
            Agent = agent,
            Prompt = prompt,
            Output = output,
            MaxWait = maxWait,
            OnTruncation = onTruncation,
        };
    }

    private ToolNode? Tool()
    {
        var map = _map;
        var nameKey = "tool";
        if (_map.Value("tool") is SourceMapping)
        {
            map = _map.Map("tool")!;
            nameKey = "name";
            if (_map.Has("arguments"))
                _map.Explain("arguments", "Write the arguments inside \"tool\", next to \"name\".");
        }

        var name = map.Text(nameKey);
        if (!map.Has(nameKey))
            map.Missing(nameKey, "the tool's name");
        else if (name is not null && !map.CheckName(map.PathOf(nameKey), map.Value(nameKey)!.Location, name, "tool", NameRule.Other))
            name = null;

        ValueTemplate? arguments;
        if (map.Value("arguments") is not (null or SourceMapping))
        {
            map.WrongType("arguments", map.Value("arguments")!, "a map", "Such as { query: \"{{ input.topic }}\" }.");
            arguments = null;
        }
        else
        {
            arguments = map.Has("arguments") ? map.Json("arguments", ExpressionPlace.Node, entry.Key) : map.EmptyObject();
        }

        if (map != _map)
            map.Finish();

        return name is null || arguments is null ? null : new ToolNode { Name = entry.Key, Tool = name, Arguments = arguments };
    }

    private HumanNode? Human()
    {
        if (_map.Map("human") is not { } map)
            return null;

        var prompt = map.Template("prompt", ExpressionPlace.Node, entry.Key);
        if (!map.Has("prompt"))
            map.Missing("prompt", "what the person is asked");

        var schema = map.Schema("schema");
        _humanTimeout = map.Duration("timeout");
        var onTimeout = OnTimeout(map);
        var rejectWhen = map.Condition("rejectWhen", ExpressionPlace.Answer, entry.Key);
        map.Finish();
        return prompt is null ? null : new HumanNode { Name = entry.Key, Prompt = prompt, Schema = schema, OnTimeout = onTimeout, RejectWhen = rejectWhen };
    }

    private HumanTimeoutPolicy OnTimeout(MapReader human)
    {
        var fail = new HumanTimeoutPolicy(HumanTimeoutKind.Fail);
        var value = human.Value("onTimeout");
        if (value is null)
            return fail;

        _onTimeout = (human.PathOf("onTimeout"), human.KeyLocation("onTimeout"));
        if (value is SourceScalar { Value: "fail" })
            return fail;

        if (value is not SourceMapping mapping || !mapping.Entries.Any(one => one.Key is "value" or "escalate"))
        {
            human.WrongType("onTimeout", value, "fail, { value: … } or { escalate: \"who\", timeout: 24h }");
            return fail;
        }

        var map = new MapReader(_context, mapping, human.PathOf("onTimeout"), human.KeyLocation("onTimeout"));
        var answer = map.Json("value", ExpressionPlace.Node, entry.Key);
        var who = map.Template("escalate", ExpressionPlace.Node, entry.Key);
        var timeout = map.Duration("timeout");
        if (map.Has("value") && map.Has("escalate"))
            _context.Error("not_applicable", map.PathOf("escalate"), map.KeyLocation("escalate"), "\"onTimeout\" has both \"value\" and \"escalate\"", "Keep one of them.");
        else if (map.Has("value") && map.Has("timeout"))
            _context.Error("not_applicable", map.PathOf("timeout"), map.KeyLocation("timeout"), "\"timeout\" belongs to \"escalate\"", "Remove it.");
        else if (map.Has("escalate") && !map.Has("timeout"))
            map.Missing("timeout", "how long the escalation waits before the node fails", "Such as timeout: 24h");

        map.Finish();
        return answer is not null ? new HumanTimeoutPolicy(HumanTimeoutKind.Value, answer)
            : who is not null ? new HumanTimeoutPolicy(HumanTimeoutKind.Escalate, null, who, timeout)
            : fail;
    }

    private void CheckOnTimeout(TimeSpan? timeout)
    {
        if (_onTimeout is { } place && timeout is null && !_map.Has("timeout"))
            _context.Error("not_applicable", place.Path, place.Location, "\"onTimeout\" needs a timeout", "Add timeout: 24h next to it.");
    }

    private WorkflowNode? Workflow()
    {
        var name = _map.Text("workflow");
        var input = _map.Json("input", ExpressionPlace.Node, entry.Key);
        var limits = _map.Map("limits") is { } map ? LimitsReader.Read(map, replaces: true) : null;
        if (name is null || !_map.CheckName(_map.PathOf("workflow"), _map.Value("workflow")!.Location, name, "workflow", NameRule.Workflow))
            return null;

        return new WorkflowNode { Name = entry.Key, Workflow = name, Input = input, Limits = limits };
    }

    private WaitNode? Wait()
    {
        var value = _map.Value("wait")!;
        if (value is not SourceMapping mapping)
        {
            return _map.Duration(_map.PathOf("wait"), value, "\"wait\"") is { } duration ? new WaitNode { Name = entry.Key, For = duration } : null;
        }

        var map = new MapReader(_context, mapping, _map.PathOf("wait"), _map.KeyLocation("wait"));
        var node = new WaitNode
        {
            Name = entry.Key,
            For = map.Duration("for"),
            Until = map.Template("until", ExpressionPlace.Node, entry.Key, ExpressionType.String),
            Event = map.Text("event"),
            Schema = map.Schema("schema"),
        };
        var given = ((string[])["for", "until", "event"]).Where(map.Has).ToArray();
        if (given.Length != 1)
        {
            _context.Error(
                "invalid_value", map.Path, map.Location, given.Length == 0 ? "\"wait\" does not say for what" : $"\"wait\" has several of {string.Join(", ", given)}",
                "Give exactly one of for (a duration), until (a time) and event (a name).");
        }

        if (map.Has("schema") && !map.Has("event"))
            _context.Error("not_applicable", map.PathOf("schema"), map.KeyLocation("schema"), "\"schema\" belongs to \"event\"", "Remove it, or wait for an event.");

        if (node.Event is not null)
            map.CheckName(map.PathOf("event"), map.Value("event")!.Location, node.Event, "event", NameRule.Other);

        if (node.Until is { References.Count: 0 } until && ConstantText(until) is { } text && !Rfc3339.TryParse(text, out _))
            map.Invalid("until", $"\"{SourceValues.Shorten(text)}\" is no time in RFC 3339 with Z or an offset", "Write date, time and offset, such as 2026-12-24T18:00:00Z or 2026-12-24T19:00:00+01:00.");

        map.Finish();
        return node;
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

    private TransformNode? Transform() =>
        _map.Json("transform", ExpressionPlace.Node, entry.Key) is { } value ? new TransformNode { Name = entry.Key, Value = value } : null;
}
