using System.Text.Json;
using Polyphony.Core.Definitions;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;

namespace Polyphony.Core.Runs;

/// <summary>Counts messages against a termination condition: of a workflow, or of a team.</summary>
/// <param name="condition">The condition.</param>
/// <param name="site">Where its expressions stand.</param>
/// <param name="calls">Evaluates them.</param>
internal sealed class TerminationCount(TerminationCondition condition, ExpressionSiteKind site, RunCalls calls)
{
    private readonly IReadOnlyList<TerminationCondition> _aboutMessages = ExpressionSites.TerminationConditions(condition);
    private readonly HashSet<int> _met = [];

    /// <summary>Gets how many messages were counted.</summary>
    public int Messages { get; private set; }

    /// <summary>Gets how many tokens they used.</summary>
    public long Tokens { get; private set; }

    /// <summary>Gets the conditions about single messages that a message has met, in order.</summary>
    public IEnumerable<int> Met => _met.Order();

    public void Restore(int messages, long tokens, IEnumerable<int> met)
    {
        Messages = messages;
        Tokens = tokens;
        _met.UnionWith(met);
    }

    /// <summary>Counts a message, and looks which conditions about single messages it meets; once met, they stay met.</summary>
    /// <param name="message">The message.</param>
    /// <param name="tokens">What it used.</param>
    /// <param name="usage">What <c>usage</c> is for the expressions.</param>
    /// <param name="scope">The values for the expressions, the message aside.</param>
    /// <param name="isFrom">Tells whether the message comes from a node or an agent of a name.</param>
    /// <returns>Why a condition could not be evaluated.</returns>
    public async Task<CallError?> AddAsync(ContextMessage message, long tokens, Usage usage, CallScope scope, Func<string, bool> isFrom)
    {
        Messages++;
        Tokens += tokens;
        for (var i = 0; i < _aboutMessages.Count; i++)
        {
            if (_met.Contains(i) || (_aboutMessages[i] is TextMentionTermination { From: { } from } && !isFrom(from)))
            {
                continue;
            }

            var value = await calls.EvaluateAsync(new ExpressionSite(site, i), scope with
            {
                Variables = new Dictionary<string, Payload>(StringComparer.Ordinal)
                {
                    ["message"] = Payload.Inline(JsonSerializer.SerializeToElement(
                        new Dictionary<string, string> { ["node"] = message.Source, ["agent"] = message.Agent ?? "", ["role"] = message.Role },
                        CoreJsonContext.Default.DictionaryStringString)),
                    ["message.output"] = message.Content,
                    ["usage"] = Payload.Inline(JsonSerializer.SerializeToElement(usage, CoreJsonContext.Default.Usage)),
                },
            });
            if (value.Error is { } error)
            {
                return error;
            }

            if (value.Value?.Json is { ValueKind: JsonValueKind.True })
            {
                _met.Add(i);
            }
        }

        return null;
    }

    /// <summary>Gets the stop reason if the condition holds.</summary>
    /// <param name="elapsed">How long it has taken so far.</param>
    public StopReason? Reason(TimeSpan elapsed)
    {
        // Every condition is looked at, so that those about messages are numbered as everywhere.
        var next = 0;
        return ReasonOf(condition);

        StopReason? ReasonOf(TerminationCondition each) => each switch
        {
            AnyTermination any => any.Conditions.Select(ReasonOf).ToList().Find(reason => reason is not null),
            AllTermination all => all.Conditions.Select(ReasonOf).ToList() is { Count: > 0 } reasons && reasons.TrueForAll(reason => reason is not null) ? reasons[^1] : null,
            MaxMessagesTermination max => Messages >= max.Count ? StopReason.MaxTurns : null,
            MaxTokensTermination max => Tokens >= max.Count ? StopReason.MaxTokens : null,
            TimeoutTermination timeout => elapsed >= timeout.After ? StopReason.Timeout : null,
            HandoffTermination => _met.Contains(next++) ? StopReason.Handoff : null,
            _ => _met.Contains(next++) ? StopReason.Completed : null,
        };
    }
}
