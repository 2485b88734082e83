using Polyphony.Core.Definitions;
using Polyphony.Expressions;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Core.Nodes.Teams;

/// <summary>
/// Lets several agents work on one task in a conversation that all of them see. Its output is <c>{ stopReason, turns, last, messages }</c>; with the stop reason <c>handoff</c> also
/// <c>handoff</c>, to whom.
/// </summary>
public sealed record TeamNode : NodeDefinition
{
    /// <summary>The default of <see cref="MaxTurns"/>.</summary>
    public const int DefaultMaxTurns = 20;

    /// <summary>The maximum of <see cref="MaxTurns"/>.</summary>
    public const int MostTurns = 500;

    /// <summary>The default of <see cref="MaxStalls"/>.</summary>
    public const int DefaultMaxStalls = 3;

    /// <summary>The default of <see cref="MaxReplans"/>.</summary>
    public const int DefaultMaxReplans = 2;

    private JsonSchema? _managerAnswer;

    /// <summary>Gets the agents that speak, in order: 1 to 50, each once.</summary>
    public required IReadOnlyList<string> Members { get; init; }

    /// <summary>Gets the task: the first message that every member sees.</summary>
    public required Template Prompt { get; init; }

    /// <summary>Gets who decides whose turn it is.</summary>
    public SpeakerPolicy Speaker { get; init; }

    /// <summary>Gets the agent that chooses speakers or plans, which is not a member; <see langword="null"/> for the policies that need none.</summary>
    public string? Manager { get; init; }

    /// <summary>Gets a value indicating whether a selector may choose the member that has just spoken.</summary>
    public bool AllowRepeat { get; init; }

    /// <summary>Gets the description of the person to whom members may hand off; <see langword="null"/> if there is none.</summary>
    public string? Person { get; init; }

    /// <summary>Gets the maximum number of turns: 1 to <see cref="MostTurns"/>; the stop reason is then <c>max_turns</c>.</summary>
    public int MaxTurns { get; init; } = DefaultMaxTurns;

    /// <summary>Gets the number of turns without progress after which a planner makes a new plan: 1 to 100.</summary>
    public int MaxStalls { get; init; } = DefaultMaxStalls;

    /// <summary>Gets the maximum number of new plans before the team stops with <c>no_progress</c>: 0 to 100.</summary>
    public int MaxReplans { get; init; } = DefaultMaxReplans;

    /// <summary>Gets the condition under which the team stops, checked after each message.</summary>
    public TerminationCondition? Termination { get; init; }

    /// <summary>Gets how the older part of a long conversation is summarised; <see langword="null"/> if it never is.</summary>
    public ConversationCompaction? Compact { get; init; }

    internal override NodeKind Kind => TeamNodeKind.Instance;

    /// <summary>Gets the schema of the manager's answers.</summary>
    internal JsonSchema ManagerAnswer => _managerAnswer ??= ManagerAnswers.SchemaOf(this);

    /// <summary>Gets to whom a member may hand off.</summary>
    internal IReadOnlyList<string> HandoffsOf(string member) =>
        Speaker != SpeakerPolicy.Handoff || !Members.Contains(member) ? [] : [.. Members.Where(other => other != member), .. Person is null ? Array.Empty<string>() : [HandoffTool.Person]];
}

/// <summary>Who decides whose turn it is in a team.</summary>
public enum SpeakerPolicy
{
    /// <summary>The members take turns in order.</summary>
    RoundRobin,

    /// <summary>The manager, after each turn, by the members' names and descriptions.</summary>
    Selector,

    /// <summary>The speaker, who hands off to another; one that does not has finished the task.</summary>
    Handoff,

    /// <summary>The manager, who keeps a plan, gives the next speaker an instruction, and says when the task is done.</summary>
    Planner,
}
