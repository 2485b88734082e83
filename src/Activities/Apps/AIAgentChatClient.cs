using Microsoft.Agents.AI;
using Microsoft.Extensions.AI;
using Polyphony.Activities.Providers;
using Polyphony.Core.Runs;

namespace Polyphony.Activities.Apps;

/// <summary>
/// An agent of Microsoft Agent Framework behind the interface of a model. Each call is a run of the agent in a session of its own: the conversation is the workflow's, and comes with the call. Of the
/// messages that the agent returns, only its last text is the answer; what its own tools did before is its own affair. Thread-safe if the agent is.
/// </summary>
/// <param name="name">The name under which the app has added the agent.</param>
/// <param name="agent">The agent.</param>
internal sealed class AIAgentChatClient(string name, AIAgent agent) : IChatClient
{
    /// <inheritdoc/>
    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        if (options?.Tools is { Count: > 0 } tools)
        {
            throw Terminal(
                ErrorCodes.BadRequest,
                $"The agent \"{name}\" of Microsoft Agent Framework takes no tools from a workflow; found: {string.Join(", ", tools.Select(tool => $"\"{tool.Name}\""))}. Give the tools to the AIAgent, or use a model.");
        }

        var response = await agent.RunAsync(messages, session: null, new AgentRunOptions { ResponseFormat = options?.ResponseFormat }, cancellationToken);
        if (response.Messages.SelectMany(message => message.Contents).OfType<ToolApprovalRequestContent>().Any())
        {
            throw Terminal(
                ErrorCodes.BadRequest,
                $"The agent \"{name}\" asks for approval of a call of one of its own tools, which a workflow can't give. Add the tool to the workflow with an approval of its own, or to the AIAgent without one.");
        }

        return new ChatResponse(new ChatMessage(ChatRole.Assistant, TextOf(response)))
        {
            ResponseId = response.ResponseId,
            CreatedAt = response.CreatedAt,
            FinishReason = response.FinishReason,
            Usage = response.Usage,
        };
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) => WholeAnswers.StreamAsync(this, messages, options, cancellationToken);

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null) => serviceKey is null && serviceType.IsInstanceOfType(this) ? this : agent.GetService(serviceType, serviceKey);

    /// <inheritdoc/>
    public void Dispose()
    {
        // The agent belongs to the app's services, which dispose of it.
    }

    private static string TextOf(AgentResponse response) =>
        response.Messages.LastOrDefault(message => message.Role == ChatRole.Assistant && message.Text.Length > 0)?.Text ?? "";

    private static ModelException Terminal(string code, string message) => new(new CallError(code, message, ErrorKind.Terminal));
}
