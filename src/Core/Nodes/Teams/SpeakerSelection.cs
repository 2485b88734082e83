using Polyphony.Core.Runs;

namespace Polyphony.Core.Nodes.Teams;

/// <summary>Says whose turn it is.</summary>
/// <param name="team">The conversation.</param>
internal abstract class SpeakerSelection(TeamConversation team)
{
    /// <summary>Gets the conversation.</summary>
    protected TeamConversation Team => team;

    /// <summary>Makes the selection of a team's policy.</summary>
    public static SpeakerSelection Create(TeamConversation team) => team.Team.Speaker switch
    {
        SpeakerPolicy.Selector => new SelectorSpeakers(team),
        SpeakerPolicy.Handoff => new HandoffSpeakers(team),
        SpeakerPolicy.Planner => new PlannerSpeakers(team),
        _ => new RoundRobinSpeakers(team),
    };

    /// <summary>Gets a value indicating whether the selection may say that the team is over. One that only chooses is not asked when nobody may speak any more.</summary>
    public virtual bool MayEnd => false;

    /// <summary>Finds who speaks next, or that the team is over.</summary>
    public abstract Task<SpeakerChoice> NextAsync();

    /// <summary>Gets the member behind another in the order of the team; the first behind nobody.</summary>
    protected string After(string? member)
    {
        var members = team.Team.Members;
        for (var i = 0; i < members.Count; i++)
        {
            if (members[i] == member)
            {
                return members[(i + 1) % members.Count];
            }
        }

        return members[0];
    }
}

/// <summary>Whose turn it is. Exactly one of <see cref="Speaker"/>, <see cref="Reason"/> and <see cref="End"/> is set.</summary>
internal sealed record SpeakerChoice
{
    /// <summary>Gets the member, or <see cref="HandoffTool.Person"/>.</summary>
    public string? Speaker { get; init; }

    /// <summary>Gets why the team is over.</summary>
    public StopReason? Reason { get; init; }

    /// <summary>Gets to whom outside the team the work was handed.</summary>
    public string? HandedTo { get; init; }

    /// <summary>Gets how the node ends: it has failed, or was stopped.</summary>
    public WorkResult? End { get; init; }

    public static SpeakerChoice Of(string speaker) => new() { Speaker = speaker };
}

/// <summary>The members take turns in order.</summary>
internal sealed class RoundRobinSpeakers(TeamConversation team) : SpeakerSelection(team)
{
    private string? _last;

    public override Task<SpeakerChoice> NextAsync() => Task.FromResult(SpeakerChoice.Of(_last = After(_last)));
}

/// <summary>Whoever the last speaker has handed off to; one that does not hand off has finished the task.</summary>
internal sealed class HandoffSpeakers(TeamConversation team) : SpeakerSelection(team)
{
    private string _current = team.Team.Members[0];

    public override bool MayEnd => true;

    public override Task<SpeakerChoice> NextAsync() => Task.FromResult(Next());

    private SpeakerChoice Next()
    {
        // A person's answer goes to whoever has asked.
        if (Team.Transcript.Messages is not [.., { Agent: not null } last])
        {
            return SpeakerChoice.Of(_current);
        }

        var target = HandoffTool.TargetOf(last.Content);
        if (target is null)
        {
            return new SpeakerChoice { Reason = StopReason.Completed };
        }

        if (target == HandoffTool.Person && Team.Team.Person is not null)
        {
            return SpeakerChoice.Of(HandoffTool.Person);
        }

        if (!Team.Team.Members.Contains(target))
        {
            return new SpeakerChoice { Reason = StopReason.Handoff, HandedTo = target };
        }

        _current = target;
        return SpeakerChoice.Of(target);
    }
}
