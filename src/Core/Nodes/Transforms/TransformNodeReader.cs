using Polyphony.Core.Definitions.Parsing;

namespace Polyphony.Core.Nodes.Transforms;

/// <summary>Reads <c>transform</c>.</summary>
internal static class TransformNodeReader
{
    public static TransformNode? Read(string name, MapReader map) =>
        map.Json("transform", ExpressionPlace.Node, name) is { } value ? new TransformNode { Name = name, Value = value } : null;
}
