using Polyphony.Core.Nodes.Agents;
using Polyphony.Core.Nodes.SubWorkflows;

namespace Polyphony.Core.Runs;

/// <summary>What the runners of node kinds are made of.</summary>
/// <param name="Context">What activations share.</param>
/// <param name="Delays">The delays between attempts.</param>
/// <param name="Events">The waits for events.</param>
/// <param name="Children">The child orchestrations.</param>
internal sealed record NodeRunnerServices(ActivationContext Context, RetryDelays Delays, EventWait Events, ChildRuns Children)
{
    /// <summary>Gets what asks agents: for agent nodes, and for those that stand in for another node.</summary>
    public AgentNodeRunner Agents { get; } = new(Context, Delays, new ToolCaller(Context, Delays, Events, new SubWorkflowRunner(Context, Delays, Children)));

    /// <summary>Gets what makes tool calls.</summary>
    public ToolCaller Tools { get; } = new(Context, Delays, Events, new SubWorkflowRunner(Context, Delays, Children));

    /// <summary>Gets what runs other workflows.</summary>
    public SubWorkflowRunner SubWorkflows { get; } = new(Context, Delays, Children);
}
