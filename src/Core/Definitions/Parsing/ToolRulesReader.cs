using Polyphony.Core.Definitions.Sources;
using Polyphony.Expressions;

namespace Polyphony.Core.Definitions.Parsing;

/// <summary>Reads and writes what a workflow says of the calls of a tool.</summary>
internal static class ToolRulesReader
{
    private const string Always = "always";
    private const string Hint = "Such as approval: always, approval: \"args.amount > 100\" or approval: { when: \"args.amount > 100\", timeout: 24h, onTimeout: refuse }.";

    private static readonly (string Name, ApprovalTimeoutPolicy Value)[] Policies =
        [("refuse", ApprovalTimeoutPolicy.Refuse), ("approve", ApprovalTimeoutPolicy.Approve), ("fail", ApprovalTimeoutPolicy.Fail)];

    /// <summary>Reads <c>tools</c> of an agent: names, or objects with a name and rules.</summary>
    public static (IReadOnlyList<string> Names, IReadOnlyDictionary<string, ToolRules> Rules) ReadTools(MapReader map)
    {
        var names = new List<string>();
        var rules = new Dictionary<string, ToolRules>(StringComparer.Ordinal);
        var path = map.PathOf("tools");
        switch (map.Value("tools"))
        {
            case null:
                break;
            case SourceSequence list:
                for (var i = 0; i < list.Items.Count; i++)
                {
                    ReadTool(map, list.Items[i], $"{path}[{i}]", names, rules);
                }

                break;
            case SourceScalar { Value: string } or SourceMapping:
                ReadTool(map, map.Value("tools")!, path, names, rules);
                break;
            case var other:
                map.WrongType("tools", other, "an array of tools", "Such as [search, { name: refund, approval: always }].");
                break;
        }

        return (names, rules);
    }

    /// <summary>Reads the rules that stand in a map.</summary>
    /// <param name="map">The map.</param>
    /// <param name="tool">The tool; <see langword="null"/> if its name could not be read.</param>
    /// <returns>The rules; <see langword="null"/> if there are none.</returns>
    public static ToolRules? Read(MapReader map, string? tool)
    {
        var approval = Approval(map, tool);
        var idempotent = SourceValues.Flag(map, "idempotent");
        return approval is null && idempotent is null ? null : new ToolRules { Approval = approval, Idempotent = idempotent };
    }

    /// <summary>Writes an agent's tools in the canonical form.</summary>
    public static void WriteTools(AgentDefinition agent, CanonicalText text) =>
        text.Tools(agent.Tools, agent.ToolRules, rules => Write(rules, text));

    /// <summary>Writes rules in the canonical form, into the object around them.</summary>
    public static void Write(ToolRules? rules, CanonicalText text)
    {
        if (rules?.Approval is { } approval)
        {
            var when = approval.When?.Text ?? Always;
            if (approval is { Timeout: null, OnTimeout: ApprovalTimeoutPolicy.Refuse })
            {
                text.Text("approval", when);
            }
            else
            {
                text.Begin("approval");
                text.Text("when", when);
                text.Time("timeout", approval.Timeout);
                text.Text("onTimeout", approval.OnTimeout == ApprovalTimeoutPolicy.Refuse ? null : Policies.First(policy => policy.Value == approval.OnTimeout).Name);
                text.End();
            }
        }

        text.Flag("idempotent", rules?.Idempotent);
    }

    private static void ReadTool(MapReader map, SourceNode item, string path, List<string> names, Dictionary<string, ToolRules> rules)
    {
        string? name;
        var at = item.Location;
        ToolRules? own = null;
        if (item is SourceMapping mapping)
        {
            var tool = new MapReader(map.Context, mapping, path, item.Location);
            name = tool.Text("name");
            if (!tool.Has("name"))
            {
                tool.Missing("name", "the tool's name");
            }

            at = tool.Value("name")?.Location ?? at;
            own = Read(tool, name);
            tool.Finish();
        }
        else if (item is SourceScalar { Value: string text })
        {
            name = text;
        }
        else
        {
            map.WrongTypeAt(path, item, "each entry of \"tools\"", "a tool's name or an object with \"name\"");
            return;
        }

        if (name is null || !map.CheckName(path, at, name, "tool", NameRule.Other))
        {
            return;
        }

        if (names.Contains(name))
        {
            map.Context.Error("invalid_value", path, at, $"\"{name}\" is listed twice in \"tools\"", "Keep one of them.");
            return;
        }

        names.Add(name);
        if (own is not null)
        {
            rules[name] = own;
        }
    }

    private static ToolApproval? Approval(MapReader map, string? tool)
    {
        switch (map.Value("approval"))
        {
            case null:
                return null;
            case SourceMapping:
                var approval = map.Map("approval")!;
                var (isKnown, when) = When(approval, "when", tool);
                if (!approval.Has("when"))
                {
                    approval.Missing("when", "\"always\" or a condition over args, the arguments of the call", Hint);
                }

                var timeout = approval.Duration("timeout");
                var policy = approval.OneOf("onTimeout", Policies);
                if (approval.Has("onTimeout") && !approval.Has("timeout"))
                {
                    approval.NotApplicable("onTimeout", "\"onTimeout\" needs a timeout", "Add timeout: 24h next to it.");
                }

                approval.Finish();
                return isKnown ? new ToolApproval { When = when, Timeout = timeout, OnTimeout = policy ?? ApprovalTimeoutPolicy.Refuse } : null;
            case SourceScalar:
                var (isGood, condition) = When(map, "approval", tool);
                return isGood ? new ToolApproval { When = condition } : null;
            case var other:
                map.WrongType("approval", other, "always, a condition or an object", Hint);
                return null;
        }
    }

    private static (bool IsKnown, Expression? When) When(MapReader map, string key, string? tool)
    {
        if (map.Value(key) is SourceScalar { Value: string text } && text == Always)
        {
            return (true, null);
        }

        var condition = map.Condition(key, ExpressionPlace.ToolCall, tool);
        return (condition is not null, condition);
    }
}
