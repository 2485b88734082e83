using Polyphony.Core.Definitions.Parsing;
using Polyphony.Core.Definitions.Sources;
using Polyphony.Expressions;

namespace Polyphony.Core.Nodes.Tools;

/// <summary>Reads <c>tool</c>: a name with <c>arguments</c> next to it, or a map of both.</summary>
internal static class ToolNodeReader
{
    public static ToolNode? Read(string name, MapReader node)
    {
        var map = node;
        var nameKey = "tool";
        if (node.Value("tool") is SourceMapping)
        {
            map = node.Map("tool")!;
            nameKey = "name";
            foreach (var key in (string[])["arguments", "approval", "idempotent"])
            {
                if (node.Has(key))
                {
                    node.Explain(key, $"Write \"{key}\" inside \"tool\", next to \"name\".");
                }
            }
        }

        var tool = map.Text(nameKey);
        if (!map.Has(nameKey))
        {
            map.Missing(nameKey, "the tool's name");
        }
        else if (tool is not null && !map.CheckName(map.PathOf(nameKey), map.Value(nameKey)!.Location, tool, "tool", NameRule.Other))
        {
            tool = null;
        }

        var arguments = Arguments(name, map);
        var rules = ToolRulesReader.Read(map, tool);
        if (map != node)
        {
            map.Finish();
        }

        return tool is null || arguments is null ? null : new ToolNode { Name = name, Tool = tool, Arguments = arguments, Rules = rules };
    }

    private static ValueTemplate? Arguments(string name, MapReader map)
    {
        if (map.Value("arguments") is { } value and not SourceMapping)
        {
            map.WrongType("arguments", value, "an object", "Such as { query: \"{{ input.topic }}\" }.");
            return null;
        }

        return map.Has("arguments") ? map.Json("arguments", ExpressionPlace.Node, name) : map.EmptyObject();
    }
}
