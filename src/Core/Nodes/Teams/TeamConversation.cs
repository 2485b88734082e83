using System.Text.Json;
using Polyphony.Core.Definitions;
using Polyphony.Core.Json;
using Polyphony.Core.Nodes.Agents;
using Polyphony.Core.Nodes.Humans;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;
using Polyphony.Expressions;

namespace Polyphony.Core.Nodes.Teams;

/// <summary>
/// The conversation of a team: one turn after the other, each an activation of its own (<c>debate.1</c>, <c>debate.2</c> …) with its own outcome, as are the calls of the manager and the
/// questions to a person.
/// </summary>
internal sealed class TeamConversation
{
    private static readonly Template Empty = Template.TryParse("", out var template, out _) ? template : throw new InvalidOperationException();

    private readonly ActivationContext _context;
    private readonly Activation _activation;
    private readonly WorkLimit _limit;
    private readonly InnerCalls _inner;
    private readonly DateTimeOffset _started;
    private readonly Payload _task;
    private readonly TerminationCount? _termination;
    private readonly SpeakerSelection _speakers;
    private Usage _used = Usage.None;
    private Payload? _handoffText;
    private int _turns;
    private int _calls;

    public TeamConversation(ActivationContext context, Activation activation, WorkLimit limit, Payload task)
    {
        _context = context;
        _activation = activation;
        _limit = limit;
        _task = task;
        _inner = new InnerCalls(context, activation);
        _started = context.Now;
        Team = (TeamNode)activation.Node;
        Transcript = new TeamTranscript(context.Calls, Team.Name);
        _termination = Team.Termination is { } condition ? new TerminationCount(condition, ExpressionSiteKind.TeamTermination, context.Calls) : null;
        _speakers = SpeakerSelection.Create(this);
    }

    public TeamNode Team { get; }

    public TeamTranscript Transcript { get; }

    public RunCalls Calls => _context.Calls;

    public IReadOnlyDictionary<string, AgentDefinition> Agents => _context.Plan.Definition.Agents;

    public async Task<WorkResult> RunAsync()
    {
        while (true)
        {
            if (_turns >= Team.MaxTurns && !_speakers.MayEnd)
            {
                return await EndAsync(StopReason.MaxTurns);
            }

            var choice = await _speakers.NextAsync();
            if (choice.End is { } end)
            {
                return end;
            }

            if (choice.Reason is { } reason)
            {
                return await EndAsync(reason, choice.HandedTo);
            }

            if (_turns >= Team.MaxTurns && choice.Speaker != HandoffTool.Person)
            {
                return await EndAsync(StopReason.MaxTurns);
            }

            var outcome = choice.Speaker == HandoffTool.Person ? await AskPersonAsync() : await SpeakAsync(choice.Speaker!);
            if (WorkOf(outcome) is { } failed)
            {
                return failed;
            }

            // What a member has written beside its handoff comes before it, as a message of its own.
            if (_handoffText is { } text && await AddAsync(choice.Speaker, text, 0) is { } ended)
            {
                return ended;
            }

            var isPerson = choice.Speaker == HandoffTool.Person;
            _turns += isPerson ? 0 : 1;
            if (await AddAsync(isPerson ? null : choice.Speaker, outcome!.Result!, outcome.Usage.Tokens) is { } over)
            {
                return over;
            }
        }
    }

    /// <summary>Adds a message, and finds whether the team is over.</summary>
    /// <returns>How it ended; <see langword="null"/>: it continues.</returns>
    public async Task<WorkResult?> AddAsync(string? agent, Payload content, long tokens)
    {
        var message = Transcript.Add(agent, content);
        if (_termination is null)
        {
            return null;
        }

        var scope = _activation.Scope with { Nodes = null, Item = null, Index = null };
        var error = await _termination.AddAsync(message, tokens, _used, scope, name => Transcript.IsFrom(message, name));
        return error is not null ? new WorkResult { Error = error, Attempts = 1 }
            : _termination.Reason(_context.Now - _started) is { } reason ? await EndAsync(reason)
            : null;
    }

    /// <summary>Asks the manager.</summary>
    /// <param name="prompt">What, a template over <paramref name="variables"/> and <c>task</c>.</param>
    /// <param name="variables">The values that it reads.</param>
    public Task<Outcome?> ManageAsync(string prompt, IReadOnlyDictionary<string, Payload> variables) => AskAsync(Team.Manager!, prompt, variables, Team.ManagerAnswer, []);

    /// <summary>Gets how the team ends if an inner activation has no result: it was stopped, or it failed.</summary>
    public static WorkResult? WorkOf(Outcome? outcome) => outcome switch
    {
        null => WorkResult.Stopped with { Attempts = 1 },
        { Status: NodeResult.Completed, Result: not null } => null,
        { Error: { } error } => new WorkResult { Error = error with { Kind = ErrorKind.Terminal }, Attempts = 1 },
        _ => WorkResult.Stopped with { Attempts = 1 },
    };

    private Task<Outcome?> SpeakAsync(string member) =>
        AskAsync(member, "{{ task }}", new Dictionary<string, Payload>(), null, Team.HandoffsOf(member));

    // What would be too much to send is summarised first.
    private async Task<Outcome?> AskAsync(string name, string prompt, IReadOnlyDictionary<string, Payload> variables, Expressions.Schemas.JsonSchema? output, IReadOnlyList<string> handoffs)
    {
        if (Agents[name].Context is null && Team.Compact is { } compact && Transcript.IsAbove(compact.Above, compact.Keep))
        {
            var summary = await CallAsync(compact.Agent, ManagerPrompts.Summarize, new Dictionary<string, Payload>(), await Transcript.ToSummarizeAsync(compact.Keep), null, []);
            if (WorkOf(summary) is not null)
            {
                return summary;
            }

            await Transcript.SummarizeAsync(compact.Agent, summary!.Result!, compact.Keep);
        }

        return await CallAsync(name, prompt, variables, await Transcript.SeenByAsync(Agents[name]), output, handoffs);
    }

    private Task<Outcome?> CallAsync(
        string name,
        string prompt,
        IReadOnlyDictionary<string, Payload> variables,
        (IReadOnlyList<Payload> Packed, IReadOnlyList<ContextMessage> Messages) seen,
        Expressions.Schemas.JsonSchema? output,
        IReadOnlyList<string> handoffs) => RunAsync(
            new AgentNode { Name = Team.Name, Agent = name, Prompt = Empty, Output = output },
            new Dictionary<string, Payload>(variables, StringComparer.Ordinal) { ["task"] = _task },
            activation => activation with { Prompt = Text(prompt), PackedContext = seen.Packed, Context = seen.Messages, Handoffs = handoffs });

    /// <summary>Asks a person what the last speaker has handed off with.</summary>
    private Task<Outcome?> AskPersonAsync()
    {
        var last = Transcript.Messages[^1].Content;
        var question = last.Json is { ValueKind: JsonValueKind.Object } json && json.TryGetProperty("reason", out var reason) ? Payload.Inline(reason) : last;
        return RunAsync(new HumanNode { Name = Team.Name, Prompt = Empty }, null, activation => activation with { Prompt = question });
    }

    private async Task<Outcome?> RunAsync(NodeDefinition node, IReadOnlyDictionary<string, Payload>? variables, Func<Activation, Activation> with)
    {
        if (_context.IsEnding(_limit) || (_limit.Deadline is { } over && over <= _context.Now))
        {
            return null;
        }

        var end = await _inner.RunAsync(with(new Activation
        {
            // A team's time limit is that of whoever is at work in it.
            Node = _limit.Deadline is { } deadline ? node with { Timeout = deadline - _context.Now } : node,
            Order = _activation.Order,
            Scope = _activation.Scope with { Activation = $"{_activation.Id}.{++_calls}", Variables = variables },
        }));
        _handoffText = end.HandoffText;
        if (end.Outcome is { } outcome)
        {
            _used += outcome.Usage;
        }

        return end.Outcome;
    }

    private async Task<WorkResult> EndAsync(StopReason reason, string? handedTo = null)
    {
        var result = JsonElements.Object(writer =>
        {
            writer.WriteString("stopReason", StopReasons.Name(reason));
            writer.WriteNumber("turns", _turns);
            if (handedTo is not null)
            {
                writer.WriteString("handoff", handedTo);
            }
        });
        return new WorkResult { Output = await Transcript.ToResultAsync(Payload.Inline(result)), Attempts = 1, Written = _inner.Written };
    }

    /// <summary>Makes a payload of a text.</summary>
    public static Payload Text(string text) => Payload.Inline(JsonSerializer.SerializeToElement(text, CoreJsonContext.Default.String));
}
