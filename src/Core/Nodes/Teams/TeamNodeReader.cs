using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Parsing;
using Polyphony.Core.Definitions.Sources;

namespace Polyphony.Core.Nodes.Teams;

/// <summary>Reads <c>team</c> and what stands next to it.</summary>
/// <param name="name">The node's name.</param>
/// <param name="map">The node as written.</param>
internal sealed class TeamNodeReader(string name, MapReader map)
{
    private const int MostMembers = 50;

    public TeamNode? Read()
    {
        var members = Members();
        var prompt = map.Template("prompt", ExpressionPlace.Node, name);
        if (!map.Has("prompt"))
        {
            map.Missing("prompt", "the task of a team", "Such as prompt: \"{{ input.question }}\"");
        }

        var speaker = map.OneOf(
            "speaker",
            ("roundRobin", SpeakerPolicy.RoundRobin), ("selector", SpeakerPolicy.Selector), ("handoff", SpeakerPolicy.Handoff), ("planner", SpeakerPolicy.Planner));
        var team = new
        {
            Manager = Manager(members),
            AllowRepeat = SourceValues.Flag(map, "allowRepeat"),
            Person = map.Text("person"),
            MaxTurns = map.Int("maxTurns", 1, TeamNode.MostTurns),
            MaxStalls = map.Int("maxStalls", 1, 100),
            MaxReplans = map.Int("maxReplans", 0, 100),
            Compact = Compact(members),
            Termination = map.Value("termination") is { } written ? TerminationReader.Read(map, map.PathOf("termination"), written) : null,
        };
        CheckPolicy(map.Has("speaker") ? speaker : SpeakerPolicy.RoundRobin);
        return members is null || prompt is null ? null : new TeamNode
        {
            Name = name,
            Members = members,
            Prompt = prompt,
            Speaker = speaker ?? SpeakerPolicy.RoundRobin,
            Manager = team.Manager,
            AllowRepeat = team.AllowRepeat ?? false,
            Person = team.Person,
            MaxTurns = team.MaxTurns ?? TeamNode.DefaultMaxTurns,
            MaxStalls = team.MaxStalls ?? TeamNode.DefaultMaxStalls,
            MaxReplans = team.MaxReplans ?? TeamNode.DefaultMaxReplans,
            Termination = team.Termination,
            Compact = team.Compact,
        };
    }

    private ConversationCompaction? Compact(List<string>? members)
    {
        if (CompactionReader.Read(map) is not var (compaction, compact))
        {
            return null;
        }

        if (compaction is not null && members?.Contains(compaction.Agent) == true)
        {
            compact.Invalid("agent", $"\"{compaction.Agent}\" summarises and is a member as well", "Use a separate agent for it.");
        }

        return compaction;
    }

    private List<string>? Members()
    {
        if (map.Value("team") is not SourceSequence { Items.Count: > 0 and <= MostMembers })
        {
            map.WrongType("team", map.Value("team")!, $"an array of 1 to {MostMembers} agents", "Such as team: [writer, critic].");
            return null;
        }

        var members = new List<string>();
        foreach (var member in map.Names("team"))
        {
            map.Context.AgentUses.Add((map.PathOf("team"), member.Location, member.Text));
            if (members.Contains(member.Text))
            {
                map.Context.Error("invalid_value", map.PathOf("team"), member.Location, $"\"{member.Text}\" is in the team twice", "Name each agent once; it can still take several turns.");
            }
            else if (member.Text == HandoffTool.Person)
            {
                map.Context.Error("invalid_value", map.PathOf("team"), member.Location, $"a member can't be called \"{HandoffTool.Person}\", which stands for a person in a handoff", "Call the agent otherwise.");
            }

            members.Add(member.Text);
        }

        return members;
    }

    private string? Manager(List<string>? members)
    {
        if (map.Text("manager") is not { } manager)
        {
            return null;
        }

        map.Context.AgentUses.Add((map.PathOf("manager"), map.Value("manager")!.Location, manager));
        if (members?.Contains(manager) == true)
        {
            map.Invalid("manager", $"\"{manager}\" is the manager and a member as well", "Use a separate agent as the manager.");
        }

        return manager;
    }

    /// <summary>Reports what has no effect under the policy, and what it needs.</summary>
    private void CheckPolicy(SpeakerPolicy? policy)
    {
        if (policy is null)
        {
            return;
        }

        var isManaged = policy is SpeakerPolicy.Selector or SpeakerPolicy.Planner;
        if (isManaged && !map.Has("manager"))
        {
            map.Missing("manager", $"the agent that {(policy == SpeakerPolicy.Planner ? "plans" : "chooses who speaks")}", "Such as manager: chair");
        }

        Only("manager", isManaged, "selector or planner");
        Only("allowRepeat", policy == SpeakerPolicy.Selector, "selector");
        Only("person", policy == SpeakerPolicy.Handoff, "handoff");
        Only("maxStalls", policy == SpeakerPolicy.Planner, "planner");
        Only("maxReplans", policy == SpeakerPolicy.Planner, "planner");

        void Only(string key, bool applies, string policies)
        {
            if (map.Has(key) && !applies)
            {
                map.NotApplicable(key, $"\"{key}\" has an effect only with speaker: {policies}", "Remove it, or set speaker.");
            }
        }
    }
}
