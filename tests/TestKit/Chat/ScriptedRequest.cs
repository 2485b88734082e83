using Microsoft.Extensions.AI;

namespace Polyphony.TestKit.Chat;

/// <summary>A request that a scripted model got.</summary>
/// <param name="Number">Which, from 1.</param>
/// <param name="Messages">The conversation.</param>
/// <param name="Options">The options.</param>
public sealed record ScriptedRequest(int Number, IReadOnlyList<ChatMessage> Messages, ChatOptions? Options)
{
    /// <summary>Gets the text of the last user message.</summary>
    public string Prompt => Messages.LastOrDefault(message => message.Role == ChatRole.User)?.Text ?? "";
}
