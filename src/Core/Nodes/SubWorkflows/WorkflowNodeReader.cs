using Polyphony.Core.Definitions.Parsing;

namespace Polyphony.Core.Nodes.SubWorkflows;

/// <summary>Reads <c>workflow</c> and what stands next to it.</summary>
internal static class WorkflowNodeReader
{
    public static WorkflowNode? Read(string name, MapReader map)
    {
        var workflow = map.Text("workflow");
        var input = map.Json("input", ExpressionPlace.Node, name);
        var limits = map.Map("limits") is { } given ? LimitsReader.Read(given, replaces: true) : null;
        return workflow is null || !map.CheckName(map.PathOf("workflow"), map.Value("workflow")!.Location, workflow, "workflow", NameRule.Workflow)
            ? null
            : new WorkflowNode { Name = name, Workflow = workflow, Input = input, Limits = limits };
    }
}
