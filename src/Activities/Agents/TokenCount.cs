using Microsoft.Extensions.AI;

namespace Polyphony.Activities.Agents;

/// <summary>The tokens of a call: as the provider counted them, or estimated.</summary>
/// <param name="Input">Tokens of the request.</param>
/// <param name="CachedInput">How many of them the provider had in its cache.</param>
/// <param name="Output">Tokens of the answer.</param>
/// <param name="Reasoning">How many of those of the answer the model has thought with; 0 if the provider does not tell.</param>
/// <param name="IsEstimated">Whether one of the numbers is estimated.</param>
internal readonly record struct TokenCount(long Input, long CachedInput, long Output, long Reasoning, bool IsEstimated)
{
    /// <summary>The maximum token count of a request or an answer that is believed: ten times the longest context of any model.</summary>
    public const long MostBelieved = 100_000_000;

    /// <summary>Reads what a provider counted, and estimates what it did not count or counted to a number that can't be: a negative one, or more than any model takes.</summary>
    /// <param name="conversation">The request.</param>
    /// <param name="response">The answer.</param>
    public static TokenCount Of(Conversation conversation, ChatResponse response)
    {
        var input = Believed(response.Usage?.InputTokenCount, least: 1);

        // An answer of nothing has no tokens; one with content has some.
        var output = Believed(response.Usage?.OutputTokenCount, least: HasContent(response) ? 1 : 0);
        var cached = Believed(response.Usage?.CachedInputTokenCount, least: 0) ?? 0;
        var reasoning = Believed(response.Usage?.ReasoningTokenCount, least: 0) ?? 0;
        return new TokenCount(
            input ?? TokenEstimator.Input(conversation),
            input is { } counted ? Math.Min(cached, counted) : 0,
            output ?? TokenEstimator.Output(response),
            output is { } told ? Math.Min(reasoning, told) : 0,
            input is null || output is null);
    }

    private static long? Believed(long? count, long least) => count >= least && count <= MostBelieved ? count : null;

    private static bool HasContent(ChatResponse response) => response.Messages.Any(message => message.Contents.Count > 0 && message.Contents.Any(content => content switch
    {
        TextContent text => text.Text.Length > 0,
        FunctionCallContent => true,
        _ => false,
    }));
}
