namespace Polyphony.Core.Definitions;

/// <summary>
/// When and by whom the older part of a conversation is summarised. Agents then see the summary in its place. The transcript of a team keeps everything; the conversation of a source keeps the summary.
/// </summary>
/// <param name="Agent">The agent that summarises; no member of the team, and not the agent that answers.</param>
/// <param name="Above">The size of the messages, in bytes of UTF-8 JSON, above which they are summarised: 1,000 to 10,000,000.</param>
/// <param name="Keep">The number of latest messages that are not summarised: 1 to 100; even in a subscription.</param>
public sealed record ConversationCompaction(string Agent, int Above = ConversationCompaction.DefaultAbove, int Keep = ConversationCompaction.DefaultKeep)
{
    /// <summary>The default of <see cref="Above"/>: about 10,000 tokens of English.</summary>
    public const int DefaultAbove = 40_000;

    /// <summary>The default of <see cref="Keep"/>.</summary>
    public const int DefaultKeep = 6;
}
