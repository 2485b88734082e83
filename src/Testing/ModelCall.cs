using Microsoft.Extensions.AI;

namespace Polyphony.Testing;

/// <summary>A model call that a workflow has made.</summary>
/// <param name="Agent">The agent that asks.</param>
/// <param name="Activation">The activation, such as <c>research[3]#2</c>; unique in its run.</param>
/// <param name="Model">The model's alias.</param>
/// <param name="Messages">All messages that reach the model, instructions first.</param>
/// <param name="Options">The options of the request: tools, the schema of the answer, temperature.</param>
public sealed record ModelCall(string Agent, string Activation, string Model, IReadOnlyList<ChatMessage> Messages, ChatOptions? Options)
{
    /// <summary>Gets the text of the last message: the prompt, or the results of tools.</summary>
    public string Prompt => Messages.Count == 0 ? "" : TextOf(Messages[^1]);

    /// <summary>Gets the agent's instructions; empty if it has none.</summary>
    public string Instructions => Messages.FirstOrDefault(message => message.Role == ChatRole.System)?.Text ?? "";

    /// <summary>Gets what a message says: its text, and the results of tools.</summary>
    internal static string TextOf(ChatMessage message) => string.Concat(message.Contents.Select(content => content switch
    {
        TextContent text => text.Text,
        FunctionResultContent result => result.Result?.ToString(),
        _ => null,
    }));
}
