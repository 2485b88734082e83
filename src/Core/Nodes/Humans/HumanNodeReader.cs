using Polyphony.Core.Definitions.Parsing;
using Polyphony.Core.Definitions.Sources;

namespace Polyphony.Core.Nodes.Humans;

/// <summary>Reads <c>human</c>.</summary>
/// <param name="name">The node's name.</param>
/// <param name="node">The node as written.</param>
internal sealed class HumanNodeReader(string name, MapReader node)
{
    private static readonly HumanTimeoutPolicy Fail = new(HumanTimeoutKind.Fail);

    public HumanNode? Read()
    {
        if (node.Map("human") is not { } map)
        {
            return null;
        }

        var prompt = map.Template("prompt", ExpressionPlace.Node, name);
        if (!map.Has("prompt"))
        {
            map.Missing("prompt", "what the person is asked");
        }

        var schema = map.Schema("schema");
        var timeout = map.Duration("timeout");
        var onTimeout = OnTimeout(map);
        CheckTimeout(map, timeout);
        var rejectWhen = map.Condition("rejectWhen", ExpressionPlace.Answer, name);
        map.Finish();
        return prompt is null ? null : new HumanNode { Name = name, Prompt = prompt, Schema = schema, Timeout = timeout, OnTimeout = onTimeout, RejectWhen = rejectWhen };
    }

    private HumanTimeoutPolicy OnTimeout(MapReader human)
    {
        var value = human.Value("onTimeout");
        if (value is null or SourceScalar { Value: "fail" })
        {
            return Fail;
        }

        if (value is not SourceMapping mapping || !mapping.Entries.Any(one => one.Key is "value" or "escalate"))
        {
            human.WrongType("onTimeout", value, "fail, { value: … } or { escalate: \"who\", timeout: 24h }");
            return Fail;
        }

        var map = new MapReader(node.Context, mapping, human.PathOf("onTimeout"), human.KeyLocation("onTimeout"));
        var answer = map.Json("value", ExpressionPlace.Node, name);
        var who = map.Template("escalate", ExpressionPlace.Node, name);
        var timeout = map.Duration("timeout");
        CheckKeys(map);
        map.Finish();
        return answer is not null ? new HumanTimeoutPolicy(HumanTimeoutKind.Value, answer)
            : who is not null ? new HumanTimeoutPolicy(HumanTimeoutKind.Escalate, null, who, timeout)
            : Fail;
    }

    private static void CheckKeys(MapReader onTimeout)
    {
        if (onTimeout.Has("value") && onTimeout.Has("escalate"))
        {
            onTimeout.NotApplicable("escalate", "\"onTimeout\" has both \"value\" and \"escalate\"", "Keep one of them.");
        }
        else if (onTimeout.Has("value") && onTimeout.Has("timeout"))
        {
            onTimeout.NotApplicable("timeout", "\"timeout\" belongs to \"escalate\"", "Remove it.");
        }
        else if (onTimeout.Has("escalate") && !onTimeout.Has("timeout"))
        {
            onTimeout.Missing("timeout", "how long the escalation waits before the node fails", "Such as timeout: 24h");
        }
    }

    /// <summary>Checks the timeout, which may stand in <c>human</c> or, as with every node, next to it.</summary>
    private void CheckTimeout(MapReader human, TimeSpan? timeout)
    {
        if (human.Has("onTimeout") && timeout is null && !node.Has("timeout"))
        {
            human.NotApplicable("onTimeout", "\"onTimeout\" needs a timeout", "Add timeout: 24h next to it.");
        }

        if (timeout is not null && node.Has("timeout"))
        {
            node.NotApplicable("timeout", "the timeout is given twice, on the node and in \"human\"", "Keep one of them.");
        }
    }
}
