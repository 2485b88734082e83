using System.Text;
using System.Text.Json;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Nodes.Teams;

/// <summary>What selections by a manager share.</summary>
internal abstract class ManagedSpeakers(TeamConversation team) : SpeakerSelection(team)
{
    private Payload? _members;

    /// <summary>Asks the manager.</summary>
    /// <returns>Its outcome; <see langword="null"/> if it was stopped.</returns>
    protected async Task<Outcome?> AskAsync(string prompt, params (string Name, Payload Value)[] variables)
    {
        var values = variables.ToDictionary(variable => variable.Name, variable => variable.Value, StringComparer.Ordinal);
        values["members"] = _members ??= await MembersAsync();
        return await Team.ManageAsync(prompt, values);
    }

    /// <summary>Reads a manager's answer, from the payload store if it is there.</summary>
    protected async Task<JsonElement> ReadAsync(Payload answer) =>
        answer.Json ?? JsonElement.Parse(Encoding.UTF8.GetBytes(await Team.Calls.ReadTextAsync(answer)), JsonLimits.Document);

    private async Task<Payload> MembersAsync()
    {
        var text = new StringBuilder();
        foreach (var member in Team.Team.Members)
        {
            text.Append(text.Length == 0 ? "- " : "\n- ").Append(member);
            if (Team.Agents[member].Description is { } description)
            {
                text.Append(": ").Append(description);
            }
        }

        // It goes with every call.
        var members = TeamConversation.Text(text.ToString());
        return Payload.MayBeInline(members.Text) ? members : await Team.Calls.StoreAsync(members);
    }
}

/// <summary>
/// The member that the manager names. If it names one that may not speak, or gives no answer, the next in the order of the team speaks: a selection is never a reason to lose what was said.
/// </summary>
internal sealed class SelectorSpeakers(TeamConversation team) : ManagedSpeakers(team)
{
    private string? _last;

    public override async Task<SpeakerChoice> NextAsync()
    {
        var members = Team.Team.Members;
        var mayRepeat = Team.Team.AllowRepeat || _last is null;
        if (members.Count == 1 || (members.Count == 2 && !mayRepeat))
        {
            return SpeakerChoice.Of(_last = After(_last));
        }

        var outcome = mayRepeat ? await AskAsync(ManagerPrompts.Select) : await AskAsync(ManagerPrompts.SelectAnother, ("last", TeamConversation.Text(_last!)));
        if (outcome is null)
        {
            return new SpeakerChoice { End = TeamConversation.WorkOf(null) };
        }

        var named = outcome.Result?.Json is { ValueKind: JsonValueKind.Object } json && json.TryGetProperty("next", out var next) ? next.GetString() : null;
        var chosen = named is not null && members.Contains(named) && (mayRepeat || named != _last) ? named : After(_last);
        return SpeakerChoice.Of(_last = chosen);
    }
}

/// <summary>
/// The member that the manager's plan is for. The manager keeps the plan, judges progress and gives an instruction before each turn; when turns lead nowhere it makes a new plan, and it says
/// when the task is done.
/// </summary>
internal sealed class PlannerSpeakers(TeamConversation team) : ManagedSpeakers(team)
{
    private Payload _plan = Payload.Null;
    private int _stalls;
    private int _replans;

    public override bool MayEnd => true;

    public override async Task<SpeakerChoice> NextAsync()
    {
        var isFirst = Team.Transcript.Messages.Count == 0;
        var (decision, end) = await DecideAsync(isFirst ? ManagerPrompts.Plan : ManagerPrompts.GoOn);
        if (end is not null)
        {
            return end;
        }

        if (!isFirst && !decision!.IsDone)
        {
            _stalls = decision.IsProgress ? 0 : _stalls + 1;
            if (_stalls >= Team.Team.MaxStalls)
            {
                if (_replans == Team.Team.MaxReplans)
                {
                    return new SpeakerChoice { Reason = StopReason.NoProgress };
                }

                _replans++;
                _stalls = 0;
                (decision, end) = await DecideAsync(ManagerPrompts.Replan);
                if (end is not null)
                {
                    return end;
                }
            }
        }

        return await FollowAsync(decision!);
    }

    private async Task<SpeakerChoice> FollowAsync(Decision decision)
    {
        if (decision.Plan is { } plan)
        {
            _plan = plan;
            if (await SayAsync(plan, decision.Tokens) is { } over)
            {
                return over;
            }
        }

        if (decision.IsDone)
        {
            return await SayAsync(decision.Answer, 0) ?? new SpeakerChoice { Reason = StopReason.Completed };
        }

        return await SayAsync(decision.Instruction, 0) ?? SpeakerChoice.Of(decision.Next);
    }

    /// <summary>Lets all hear what the manager says.</summary>
    private async Task<SpeakerChoice?> SayAsync(Payload content, long tokens) =>
        await Team.AddAsync(Team.Team.Manager, content, tokens) is { } end ? new SpeakerChoice { End = end } : null;

    private async Task<(Decision? Decision, SpeakerChoice? End)> DecideAsync(string prompt)
    {
        var outcome = await AskAsync(prompt, ("plan", _plan));
        if (TeamConversation.WorkOf(outcome) is { } end)
        {
            return (null, new SpeakerChoice { End = end });
        }

        try
        {
            var answer = outcome!.Result!;
            var json = await ReadAsync(answer);
            return (
                new Decision(
                    json.GetProperty("plan").GetString() is { Length: > 0 } ? Member(answer, "plan") : null,
                    json.GetProperty("isDone").GetBoolean(),
                    json.GetProperty("isProgress").GetBoolean(),
                    Member(answer, "instruction"),
                    Member(answer, "answer"),
                    json.GetProperty("next").GetString()!,
                    outcome.Usage.Tokens),
                null);
        }
        catch (PolyphonyException tooLarge)
        {
            return (null, new SpeakerChoice { End = WorkResult.Failed(tooLarge.Code, tooLarge.Message) });
        }
    }

    private static Payload Member(Payload answer, string name) => answer.Json is { } json
        ? Payload.Inline(json.GetProperty(name))
        : new Payload { Reference = answer.Reference, Pointer = $"{answer.Pointer}/{name}" };

    /// <summary>What the manager has decided.</summary>
    private sealed record Decision(Payload? Plan, bool IsDone, bool IsProgress, Payload Instruction, Payload Answer, string Next, long Tokens);
}
