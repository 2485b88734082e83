using System.Text.Json.Nodes;

namespace Polyphony.Core.Definitions;

/// <summary>Sets the optional parts of a team. See <see cref="Nodes.Teams.TeamNode"/> for defaults and ranges, which the parser checks.</summary>
public sealed class TeamNodeBuilder : NodeBuilder
{
    private readonly JsonObject _map;

    internal TeamNodeBuilder(JsonObject map)
        : base(map) => _map = map;

    /// <summary>Lets a manager choose who speaks.</summary>
    /// <param name="manager">The agent that chooses; no member.</param>
    /// <param name="allowRepeat">Whether it may choose the member that has just spoken.</param>
    /// <returns>This builder.</returns>
    public TeamNodeBuilder Selector(string manager, bool allowRepeat = false)
    {
        Speaker("selector").Set("manager", manager);
        return allowRepeat ? Set("allowRepeat", true) : this;
    }

    /// <summary>Lets the speaker hand off to another; one that does not has finished the task. The first member begins.</summary>
    /// <param name="person">The description of the person to whom members may hand off; <see langword="null"/> if there is none.</param>
    /// <returns>This builder.</returns>
    public TeamNodeBuilder Handoff(string? person = null)
    {
        Speaker("handoff");
        return person is null ? this : Set("person", person);
    }

    /// <summary>Lets a manager plan, instruct the members, and say when the task is done.</summary>
    /// <param name="manager">The agent that plans; no member.</param>
    /// <param name="maxStalls">After how many turns without progress it makes a new plan; <see langword="null"/> for the default.</param>
    /// <param name="maxReplans">How many new plans it makes before the team stops; <see langword="null"/> for the default.</param>
    /// <returns>This builder.</returns>
    public TeamNodeBuilder Planner(string manager, int? maxStalls = null, int? maxReplans = null)
    {
        Speaker("planner").Set("manager", manager);
        WorkflowBuilder.Put(_map, "maxStalls", maxStalls);
        WorkflowBuilder.Put(_map, "maxReplans", maxReplans);
        return this;
    }

    /// <summary>Limits the turns of the members.</summary>
    /// <param name="turns">1 to 500.</param>
    /// <returns>This builder.</returns>
    public TeamNodeBuilder MaxTurns(int turns) => Set("maxTurns", turns);

    /// <summary>Ends the team when a condition holds.</summary>
    /// <param name="condition">The condition, as in a file: <c>{ "textMention": "DONE" }</c>.</param>
    /// <returns>This builder.</returns>
    public TeamNodeBuilder Termination(JsonNode condition) => Set("termination", condition);

    /// <summary>Lets an agent summarise the older part of a long conversation; members then see the summary in its place.</summary>
    /// <param name="agent">The agent that summarises; no member.</param>
    /// <param name="above">The size of the messages in bytes above which they are summarised; <see langword="null"/> for the default.</param>
    /// <param name="keep">The number of latest messages that are not summarised; <see langword="null"/> for the default.</param>
    /// <returns>This builder.</returns>
    public TeamNodeBuilder Compact(string agent, int? above = null, int? keep = null)
    {
        var compact = new JsonObject { ["agent"] = agent };
        WorkflowBuilder.Put(compact, "above", above);
        WorkflowBuilder.Put(compact, "keep", keep);
        return Set("compact", compact);
    }

    private TeamNodeBuilder Speaker(string policy) => Set("speaker", policy);

    private TeamNodeBuilder Set(string key, JsonNode value)
    {
        WorkflowBuilder.Put(_map, key, value);
        return this;
    }
}
