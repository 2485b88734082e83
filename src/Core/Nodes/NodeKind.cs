using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Parsing;
using Polyphony.Core.Runs;
using Polyphony.Expressions;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Core.Nodes;

/// <summary>
/// Everything that the parser, the proof and the runner need to know of one kind of node. To add a kind, write a folder with its record, reader, writer, runner and this description, and name
/// it in <see cref="NodeKinds.All"/>. Stateless; one object serves all nodes of the kind.
/// </summary>
internal abstract class NodeKind
{
    /// <summary>Gets the name: the key that makes a node of this kind in a file, and the kind in outcomes.</summary>
    public abstract string Name { get; }

    /// <summary>Gets the keys that stand next to <see cref="Name"/> in a node of this kind, those that every node may have aside.</summary>
    public virtual IReadOnlyList<string> Keys => [];

    /// <summary>Gets a value indicating whether an activation takes a slot. Waits, people and computations take none: they call nobody.</summary>
    public virtual bool TakesSlot => false;

    /// <summary>Gets a value indicating whether an activation is tried again by a <c>retry</c>: by default those that call somebody.</summary>
    public virtual bool TakesRetry => TakesSlot;

    /// <summary>Gets a value indicating whether an activation may hold locks: those that call somebody. Who waits for a person or a time would keep others out for nothing.</summary>
    public virtual bool TakesLock => TakesSlot;

    /// <summary>Gets a value indicating whether a <c>timeout</c> has an effect.</summary>
    public virtual bool TakesTime => true;

    /// <summary>Gets a value indicating whether several items of a <c>forEach</c> may share an activity.</summary>
    public virtual bool SharesActivities => false;

    /// <summary>Gets a value indicating whether activations wait for somebody or something outside; they have their own time limit, and each answer is news.</summary>
    public virtual bool WaitsOutside => false;

    /// <summary>Gets a value indicating whether activations ask a person.</summary>
    public virtual bool IsQuestion => false;

    /// <summary>Gets a value indicating whether the items of a <c>forEach</c> may be divided among child orchestrations.</summary>
    public virtual bool IsDivisible => false;

    /// <summary>Gets a value indicating whether an activation may take long although nothing waits: the next generation does not wait for it.</summary>
    public virtual bool MayTakeLong => false;

    /// <summary>Gets the expressions that an activation evaluates.</summary>
    public abstract IReadOnlyList<ExpressionSiteKind> Reads { get; }

    /// <summary>Reads what belongs to this kind. Problems go to the map's context.</summary>
    /// <param name="name">The node's name.</param>
    /// <param name="map">The node as written.</param>
    /// <returns>The node without what every node may have; <see langword="null"/> if something is missing or wrong.</returns>
    public abstract NodeDefinition? Read(string name, MapReader map);

    /// <summary>Writes what belongs to this kind in the canonical form, into the node's object.</summary>
    /// <param name="node">The node.</param>
    /// <param name="text">Where to.</param>
    public abstract void Write(NodeDefinition node, CanonicalText text);

    /// <summary>Checks what can be checked only when the whole file is read.</summary>
    /// <param name="node">The node.</param>
    /// <param name="check">Takes the problems.</param>
    public virtual void Check(NodeDefinition node, NodeCheck check)
    {
    }

    /// <summary>Gets the type of what an activation gives when it completes.</summary>
    /// <param name="node">The node.</param>
    /// <param name="types">The types of the rest of the file.</param>
    /// <returns>The type; <see cref="ExpressionType.Any"/> if nothing is known.</returns>
    public abstract ExpressionType OutputType(NodeDefinition node, IFileTypes types);

    /// <summary>Gets the schema that whatever an activation gives fits, stand-ins and defaults included.</summary>
    /// <param name="node">The node.</param>
    /// <param name="agents">The agents by name.</param>
    /// <returns>The schema; <see langword="null"/> if there is none.</returns>
    public virtual JsonSchema? OutputSchema(NodeDefinition node, IReadOnlyDictionary<string, AgentDefinition> agents) => null;

    /// <summary>Gets how many model calls one activation can make.</summary>
    /// <param name="node">The node.</param>
    /// <param name="proof">What is known of models and workflows.</param>
    /// <returns>The bounds; <see cref="NodeCalls.None"/> by default.</returns>
    public virtual NodeCalls BoundCalls(NodeDefinition node, ProofBuilder proof) => NodeCalls.None;

    /// <summary>Gets one of the expressions that an activation evaluates, as parsed: an <c>Expression</c>, a <c>Template</c> or a <c>ValueTemplate</c>; <see langword="null"/> if it is optional and not there.</summary>
    public abstract object? ExpressionOf(NodeDefinition node, ExpressionSiteKind site);

    /// <summary>Gets the agent that a node asks, whose calls count against the limit of model calls; <see langword="null"/> if it asks none. Such a node has a prompt, which another agent can answer in its place.</summary>
    public virtual string? AgentOf(NodeDefinition node) => null;

    /// <summary>Gets an agent with the settings that a node overrides.</summary>
    public virtual AgentDefinition Adjust(AgentDefinition agent, NodeDefinition node) => agent;

    /// <summary>Gets the agents that a node may ask, those that stand in for it aside.</summary>
    /// <param name="node">The node.</param>
    /// <param name="all">All agents of the workflow.</param>
    public virtual IEnumerable<string> AgentsOf(NodeDefinition node, IEnumerable<string> all) => AgentOf(node) is { } agent ? [agent] : [];

    /// <summary>Gets the workflows that a node runs.</summary>
    public virtual IEnumerable<SubWorkflowUse> SubWorkflowsOf(NodeDefinition node) => [];

    /// <summary>Gets the tool that a node calls; <see langword="null"/> if it calls none.</summary>
    public virtual string? ToolOf(NodeDefinition node) => null;

    /// <summary>Gets what a node says of the tool call that it makes itself; <see langword="null"/> if it says nothing, or makes none.</summary>
    public virtual ToolRules? ToolRulesOf(NodeDefinition node) => null;

    /// <summary>Tells whether a tool call of an activation may wait for a person, or runs a workflow.</summary>
    /// <param name="node">The node.</param>
    /// <param name="definition">The workflow.</param>
    public bool MayWaitForTools(NodeDefinition node, WorkflowDefinition definition) =>
        ToolRulesOf(node)?.Approval is not null
        || AgentsOf(node, []).Append(node.OnError.Agent).OfType<string>().Select(agent => definition.Agents.GetValueOrDefault(agent)).OfType<AgentDefinition>()
            .Any(agent => agent.ToolRules.Values.Any(rules => rules.Approval is not null) || agent.Tools.Any(tool => definition.Tools.GetValueOrDefault(tool) is HumanToolDefinition or WorkflowToolDefinition));

    /// <summary>Gets the name of the event that a node waits for; <see langword="null"/> if it waits for none, or for the answer to a question.</summary>
    public virtual string? EventOf(NodeDefinition node) => null;

    /// <summary>Gets the schema of the event or the answer that a node waits for; <see langword="null"/> if anything is accepted.</summary>
    public virtual JsonSchema? AnswerSchemaOf(NodeDefinition node) => null;

    /// <summary>Determines whether an answer to a node may end the run.</summary>
    public virtual bool MayReject(NodeDefinition node) => false;

    /// <summary>Gets when the work of an activation ends before its time, judged by the messages of those at work in it; <see langword="null"/> if nothing says so.</summary>
    public virtual TerminationCondition? TerminationOf(NodeDefinition node) => null;

    /// <summary>Determines whether an agent is sent the prompt before the earlier messages: they are about it. By default the prompt comes last.</summary>
    public virtual bool BeginsWithPrompt(NodeDefinition node, string agent) => false;

    /// <summary>Gets the tool by which an agent may hand off in a node; <see langword="null"/> if it may not.</summary>
    public virtual Teams.HandoffOffer? HandoffOf(NodeDefinition node, string agent, IReadOnlyDictionary<string, AgentDefinition> agents) => null;

    /// <summary>Gets the role of a node's messages; <see langword="null"/> if its results are no messages.</summary>
    public virtual string? RoleOf(NodeDefinition node) => null;

    /// <summary>Makes what does the work of its activations.</summary>
    public abstract INodeRunner CreateRunner(NodeRunnerServices services);
}
