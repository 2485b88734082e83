using Polyphony.Core.Workflows;

namespace Polyphony.Core.Interpreter;

/// <summary>What the kinds of nodes have in common, and what not.</summary>
internal static class NodeKinds
{
    /// <summary>Finds whether an activation takes a slot. Waits, people and computations take none: they call nobody.</summary>
    public static bool TakesSlot(NodeDefinition node) => node is AgentNode or ToolNode or WorkflowNode;

    /// <summary>Finds whether a node's activations wait for somebody or something outside.</summary>
    public static bool Waits(NodeDefinition node) => node is HumanNode or WaitNode;

    /// <summary>Finds whether a node's items may be divided among child orchestrations.</summary>
    public static bool IsDivisible(NodeDefinition node) => node is AgentNode or ToolNode or TransformNode;

    /// <summary>Gets the role of a node's messages; <see langword="null"/> if its results are no messages.</summary>
    public static string? RoleOf(NodeDefinition node) => node switch
    {
        AgentNode or WorkflowNode => "assistant",
        HumanNode => "user",
        WaitNode { Event: not null } => "user",
        ToolNode => "tool",
        _ => null,
    };

    /// <summary>Gets the name of a node's kind in outcomes.</summary>
    public static string NameOf(NodeDefinition node) => node switch
    {
        AgentNode => "agent",
        ToolNode => "tool",
        HumanNode => "human",
        WorkflowNode => "workflow",
        WaitNode => "wait",
        _ => "transform",
    };
}
