using System.Text.Json;
using Polyphony.Core.Definitions;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Nodes.Teams;

/// <summary>What was said in a team, all of it. What would make a call too large goes to the payload store, in lists that the next calls use again.</summary>
/// <param name="calls">Makes the lists.</param>
/// <param name="node">The team's node, from which the messages come.</param>
internal sealed class TeamTranscript(RunCalls calls, string node)
{
    // As in a node's context: half of it is in each call on average, and the more of it, the fewer references.
    private const int MaxInlineBytes = 6 * 1024;
    private const int MaxPackedLists = 16;
    private readonly List<ContextMessage> _messages = [];
    private readonly List<Payload> _packed = [];
    private int _packedMessages;

    // Once a part is summarised: what members see in place of the lists of all messages, and the summary with how many messages it stands for.
    private List<Payload>? _view;
    private ContextMessage? _summary;
    private int _summarized;

    /// <summary>Gets the messages, oldest first.</summary>
    public IReadOnlyList<ContextMessage> Messages => _messages;

    /// <summary>Adds a message.</summary>
    /// <param name="agent">Who said it; <see langword="null"/> for a person.</param>
    /// <param name="content">What.</param>
    /// <returns>The message.</returns>
    public ContextMessage Add(string? agent, Payload content)
    {
        var message = new ContextMessage(node, agent is null ? "user" : "assistant", content, agent);
        _messages.Add(message);
        return message;
    }

    /// <summary>Determines whether a message comes from an agent, or from the team, of a name.</summary>
    public bool IsFrom(ContextMessage message, string name) => message.Agent == name || name == node;

    /// <summary>Gets the messages that an agent may see, for a call.</summary>
    public async Task<(IReadOnlyList<Payload> Packed, IReadOnlyList<ContextMessage> Messages)> SeenByAsync(AgentDefinition agent)
    {
        if (agent.Context is { } filters)
        {
            var seen = Filter(filters);
            return SizeOf(seen) <= MaxInlineBytes ? ([], seen) : ([await PackAsync(seen)], []);
        }

        var rest = _messages[_packedMessages..];
        if (SizeOf(rest) > MaxInlineBytes)
        {
            var list = await PackAsync(rest);
            _packed.Add(list);
            _view?.Add(list);
            _packedMessages = _messages.Count;
            rest = [];
        }

        await JoinAsync(_packed);
        await JoinAsync(_view);
        return ([.. _view ?? _packed], rest);
    }

    /// <summary>Determines whether members are sent more than this many bytes, with more messages than are to stay unchanged.</summary>
    public bool IsAbove(int bytes, int keep) => _messages.Count - _summarized > keep && _messages.Skip(_summarized).Sum(message => message.Content.Bytes) > bytes;

    /// <summary>Gets what is to be summarised: the last summary, and the messages since, but for the last ones.</summary>
    public async Task<(IReadOnlyList<Payload> Packed, IReadOnlyList<ContextMessage> Messages)> ToSummarizeAsync(int keep)
    {
        List<ContextMessage> messages = [.. _summary is null ? Array.Empty<ContextMessage>() : [_summary], .. _messages[_summarized..^keep]];
        return SizeOf(messages) <= MaxInlineBytes ? ([], messages) : ([await PackAsync(messages)], []);
    }

    /// <summary>Lets members see a summary in place of all messages but the last ones.</summary>
    public async Task SummarizeAsync(string agent, Payload summary, int keep)
    {
        _summary = new ContextMessage(node, "assistant", summary, agent);
        _summarized = _messages.Count - keep;
        _view = [await PackAsync([_summary])];
        if (_packedMessages > _summarized)
        {
            _view.Add(await PackAsync(_messages[_summarized.._packedMessages]));
        }
        else
        {
            // They stay in the transcript, and no call carries them any more.
            await PackUntilAsync(_summarized);
        }
    }

    /// <summary>Makes the team's result.</summary>
    /// <param name="result">The members of the result that stand before <c>last</c> and <c>messages</c>.</param>
    public async Task<Payload> ToResultAsync(Payload result)
    {
        var rest = _messages[_packedMessages..];
        return await calls.PackAsync([result, .. _packed, await PackAsync(rest)], PackMode.Conversation);
    }

    private async Task PackUntilAsync(int end)
    {
        if (end > _packedMessages)
        {
            _packed.Add(await PackAsync(_messages[_packedMessages..end]));
            _packedMessages = end;
        }
    }

    private async Task JoinAsync(List<Payload>? lists)
    {
        if (lists?.Count > MaxPackedLists)
        {
            var joined = await calls.PackAsync([.. lists], PackMode.Concat);
            lists.Clear();
            lists.Add(joined);
        }
    }

    private List<ContextMessage> Filter(IReadOnlyList<MessageFilter> filters)
    {
        var passed = new SortedSet<int>();
        foreach (var filter in filters)
        {
            var matching = Enumerable.Range(0, _messages.Count).Where(i => Matches(filter, _messages[i])).ToList();
            passed.UnionWith(ContextBuilder.Choose(matching, filter));
        }

        return [.. passed.Select(i => _messages[i])];
    }

    private bool Matches(MessageFilter filter, ContextMessage message) =>
        (filter.From is null || IsFrom(message, filter.From)) && (filter.Role is null || filter.Role == message.Role);

    private static int SizeOf(List<ContextMessage> messages) => messages.Sum(message => RunCalls.SizeOf(message.Content) + 100);

    private Task<Payload> PackAsync(List<ContextMessage> messages) =>
        calls.PackAsync([.. messages.Select(message => Payload.FromText(JsonSerializer.SerializeToUtf8Bytes(message, CoreJsonContext.Default.ContextMessage)))]);
}
