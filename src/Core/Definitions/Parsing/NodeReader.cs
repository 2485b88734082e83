using Polyphony.Core.Definitions.Sources;
using Polyphony.Core.Nodes;
using Polyphony.Expressions;

namespace Polyphony.Core.Definitions.Parsing;

/// <summary>Reads one entry of <c>nodes</c>: what every node may have. The rest is read by its kind.</summary>
internal sealed class NodeReader(MapReader nodes, SourceEntry entry)
{
    private readonly ParseContext _context = nodes.Context;
    private readonly string _path = "nodes." + entry.Key;
    private MapReader _map = nodes;

    private NodeKinds Kinds => _context.Kinds;

    public NodeDraft Read()
    {
        var before = _context.Problems.Count;
        _map.CheckName(_path, entry.KeyLocation, entry.Key, "node", NameRule.Node);
        NodeDefinition? node = null;
        if (entry.Value is SourceMapping mapping)
        {
            _map = new MapReader(_context, mapping, _path, entry.KeyLocation);
            if (KindOf(out var kind))
            {
                node = ReadCommon(kind?.Read(entry.Key, _map));
                _map.Finish();
            }
        }
        else
        {
            _map.WrongTypeAt(_path, entry.Value, $"the node \"{SourceValues.Shorten(entry.Key)}\"", "an object", $"Such as {entry.Key}: {{ agent: writer, prompt: \"…\" }}.");
        }

        return new NodeDraft(entry.Key, _path, entry.KeyLocation, _context.Problems.Count == before ? node : null);
    }

    /// <summary>Finds which kind of node it is.</summary>
    /// <param name="kind">The kind; none if the node does not say.</param>
    /// <returns>Whether the other keys can be read: false if it is of several kinds.</returns>
    private bool KindOf(out NodeKind? kind)
    {
        kind = null;
        var present = Kinds.List.Where(each => _map.Has(each.Name)).ToArray();
        if (present.Length == 0)
        {
            _context.Error("node_kind", _path, entry.KeyLocation, $"the node \"{SourceValues.Shorten(entry.Key)}\" does not say what it does", $"Give it exactly one of the keys {Kinds.Names}.");
            foreach (var key in Kinds.List.Select(each => each.Name).Concat(Kinds.List.SelectMany(each => each.Keys)))
            {
                _map.Value(key);
            }

            return true;
        }

        if (present.Length > 1)
        {
            _context.Error(
                "node_kind", _path, _map.KeyLocation(present[1].Name), $"the node \"{SourceValues.Shorten(entry.Key)}\" is of several kinds: {string.Join(" and ", present.Select(each => each.Name))}", "Keep one, and make a node of each other.");
            return false;
        }

        kind = present[0];
        return true;
    }

    private NodeDefinition? ReadCommon(NodeDefinition? node)
    {
        var forEach = _map.Template("forEach", ExpressionPlace.ForEach, entry.Key, ExpressionType.AnyList, "a template that gives an array");
        if (forEach is null && _map.Value("forEach") is SourceSequence)
        {
            _context.Problems[^1] = _context.Problems[^1] with { Hint = "Such as \"{{ input.items }}\"; a fixed array is written \"{{ ['a', 'b'] }}\"." };
        }

        var require = Require();
        var itemsPerActivity = _map.Int("itemsPerActivity", 1, 50);
        var locks = LockReader.Read(_map, node, entry.Key);
        var onError = OnError(node);
        var timeout = _map.Duration("timeout");
        var retry = LimitsReader.Retry(_map);
        var join = _map.OneOf("join", ("all", JoinMode.All), ("any", JoinMode.Any)) ?? JoinMode.All;
        var writes = StateReader.ReadWrites(_map, entry.Key);
        CheckItems(node);
        CheckTime(node);
        return node is null ? null : node with
        {
            ForEach = forEach,
            Require = require,
            ItemsPerActivity = itemsPerActivity ?? 1,
            Lock = locks,
            OnError = onError,
            Timeout = timeout ?? node.Timeout,
            Retry = retry,
            Join = join,
            Writes = writes,
        };
    }

    /// <summary>Reports what only a <c>forEach</c> can have.</summary>
    private void CheckItems(NodeDefinition? node)
    {
        if (_map.Has("require") && !_map.Has("forEach"))
        {
            NotApplicable("require", "needs \"forEach\"", "Add forEach, or remove require.");
        }

        if (_map.Has("itemsPerActivity") && !_map.Has("forEach"))
        {
            NotApplicable("itemsPerActivity", "needs \"forEach\"", "Add forEach, or remove itemsPerActivity.");
        }
        else if (_map.Has("itemsPerActivity") && node is { Kind.SharesActivities: false })
        {
            NotApplicable("itemsPerActivity", $"has no effect on a {node.Kind.Name} node: only agents and tools run in activities", "Remove it.");
        }
    }

    /// <summary>Reports a timeout or a retry that has no effect.</summary>
    private void CheckTime(NodeDefinition? node)
    {
        if (node is { Kind: { TakesTime: false } untimed } && _map.Has("timeout"))
        {
            NotApplicable("timeout", $"has no effect on a {untimed.Name}, which takes no time", "Remove it.");
        }

        if (node is { Kind: { TakesRetry: false } kind } && _map.Has("retry"))
        {
            NotApplicable("retry", $"has no effect on a {kind.Name} node", "Remove it.");
        }
    }

    private Requirement? Require()
    {
        switch (_map.Value("require"))
        {
            case null:
                return null;
            case SourceScalar { Value: long and >= 0 and <= 1_000_000 } count:
                return new Requirement((int)(long)count.Value, null);
            case SourceScalar { Value: double and > 0 and < 1 } share:
                return new Requirement(null, (double)share.Value);
            case SourceScalar { Value: string } text when text.Text.EndsWith('%')
                && decimal.TryParse(text.Text.AsSpan(0, text.Text.Length - 1), System.Globalization.NumberStyles.AllowDecimalPoint, null, out var percent)
                && percent is > 0 and <= 100:
                return new Requirement(null, (double)(percent / 100));
            case var other:
                _map.WrongType("require", other, "a count or a share", "Such as 3, 60% or 0.6.");
                return null;
        }
    }

    private ErrorPolicy OnError(NodeDefinition? node)
    {
        var value = _map.Value("onError");
        switch (value)
        {
            case null:
                return ErrorPolicy.Fail;
            case SourceScalar { Value: string }:
                var kind = _map.OneOf("onError", ("fail", ErrorPolicyKind.Fail), ("skip", ErrorPolicyKind.Skip));
                if (kind is null)
                {
                    _context.Problems[^1] = _context.Problems[^1] with { Hint = "Or give { value: … } to go on with, or the { agent: name } to ask instead." };
                }

                return kind == ErrorPolicyKind.Skip ? new ErrorPolicy(ErrorPolicyKind.Skip) : ErrorPolicy.Fail;
            case SourceMapping { Entries.Count: 1 } mapping:
                var map = new MapReader(_context, mapping, _map.PathOf("onError"), _map.KeyLocation("onError"));
                var fallback = map.Json("value", ExpressionPlace.OnError, entry.Key);
                var agent = map.Text("agent");
                map.Finish();
                if (agent is not null && node is not null && node.Kind.AgentOf(node) is null)
                {
                    NotApplicable("onError", $"can't name an agent on a {node.Kind.Name} node, which has no prompt to hand on", "Use fail, skip or { value: … }.");
                }

                if (agent is not null)
                {
                    _context.AgentUses.Add((map.PathOf("agent"), map.Value("agent")!.Location, agent));
                }

                return fallback is not null ? new ErrorPolicy(ErrorPolicyKind.Value, fallback)
                    : agent is not null ? new ErrorPolicy(ErrorPolicyKind.Agent, null, agent)
                    : ErrorPolicy.Fail;
            default:
                _map.WrongType("onError", value, "fail, skip, { value: … } or { agent: name }");
                return ErrorPolicy.Fail;
        }
    }

    private void NotApplicable(string key, string why, string hint) => _map.NotApplicable(key, $"\"{key}\" {why}", hint);
}
