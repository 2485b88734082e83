using Polyphony.Core.Definitions.Parsing;

namespace Polyphony.Scenarios.Tests.Nodes.Shouts;

internal static class ShoutNodeReader
{
    public static ShoutNode? Read(ShoutNodeKind kind, string name, MapReader map)
    {
        var text = map.Template("shout", ExpressionPlace.Node, name);
        var times = map.Int("times", 1, 5) ?? 1;
        var otherwise = map.Json("otherwise", ExpressionPlace.Node, name);
        return text is null ? null : new ShoutNode(kind) { Name = name, Text = text, Times = times, Otherwise = otherwise };
    }
}
