using Polyphony.Core.Definitions.Parsing;

namespace Polyphony.Core.Nodes.Code;

/// <summary>Reads <c>code</c> and what stands next to it, as a builder or the canonical form has written it.</summary>
internal static class CodeNodeReader
{
    public static CodeNode? Read(string name, MapReader map)
    {
        var function = map.Text("code");
        var workflows = map.Names("workflows");
        var input = map.Json("input", ExpressionPlace.Node, name);
        foreach (var workflow in workflows)
        {
            map.CheckName(map.PathOf("workflows"), workflow.Location, workflow.Text, "workflow", NameRule.Workflow);
        }

        return function is null || input is null ? null : new CodeNode { Name = name, Function = function, Workflows = [.. workflows.Select(workflow => workflow.Text)], Input = input };
    }
}
