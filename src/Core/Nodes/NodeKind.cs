using Polyphony.Core.Definitions;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Nodes;

/// <summary>What a run needs to know of one kind of node.</summary>
internal abstract class NodeKind
{
    /// <summary>Gets the name: the key that makes a node of this kind in a file, and the kind in outcomes.</summary>
    public abstract string Name { get; }

    /// <summary>Gets a value indicating whether an activation takes a slot. Waits, people and computations take none: they call nobody.</summary>
    public virtual bool TakesSlot => false;

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

    /// <summary>Gets one of the expressions that an activation evaluates, as parsed: an <c>Expression</c>, a <c>Template</c> or a <c>ValueTemplate</c>; <see langword="null"/> if it is optional and not there.</summary>
    public abstract object? ExpressionOf(NodeDefinition node, ExpressionSiteKind site);

    /// <summary>Gets the agent that a node asks, whose calls take turns; <see langword="null"/> if it asks none.</summary>
    public virtual string? AgentOf(NodeDefinition node) => null;

    /// <summary>Gets the role of a node's messages; <see langword="null"/> if its results are no messages.</summary>
    public virtual string? RoleOf(NodeDefinition node) => null;

    /// <summary>Makes what does the work of its activations.</summary>
    public abstract INodeRunner CreateRunner(NodeRunnerServices services);
}
