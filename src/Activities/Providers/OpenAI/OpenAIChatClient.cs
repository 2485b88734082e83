using System.Text.Json;
using Microsoft.Extensions.AI;
using OpenAI.Chat;
using Polyphony.Activities.Agents;
using Polyphony.Activities.Providers.OpenAI.Answers;
using ChatFinishReason = Microsoft.Extensions.AI.ChatFinishReason;
using ChatMessage = Microsoft.Extensions.AI.ChatMessage;

namespace Polyphony.Activities.Providers.OpenAI;

/// <summary>
/// The library's client of the SDK's, for conversations of agents: messages go through <see cref="OpenAIMessages"/>, options through <see cref="OpenAIOptions"/>, and answers, which
/// <see cref="AnswerPolicy"/> has normalised, get what the SDK's types have no place for. Thread-safe.
/// </summary>
/// <param name="client">The SDK's client.</param>
/// <param name="takesAttachments">Whether its model takes images, documents and sounds.</param>
internal sealed class OpenAIChatClient(ChatClient client, bool takesAttachments) : DelegatingChatClient(client.AsIChatClient())
{
#pragma warning disable OPENAI001 // Marked as experimental.
    private readonly Uri _server = client.Endpoint;
#pragma warning restore OPENAI001

    public override async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        if (!takesAttachments)
        {
            Attachments.Refuse(messages, "The model", "Choose another model, or set dialect: { attachments: true } if it takes such files.");
        }

        var response = await base.GetResponseAsync(OpenAIMessages.ToRequest(messages, options, _server), OpenAIOptions.ToRequest(options), cancellationToken);
        return Complete(response, (ChatCompletion)response.RawRepresentation!);
    }

    public override IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) => WholeAnswers.StreamAsync(this, messages, options, cancellationToken);

    private static ChatResponse Complete(ChatResponse response, ChatCompletion completion)
    {
        var supplement = AnswerSupplement.Of(completion);
        var message = response.Messages[0];
        foreach (var call in message.Contents.OfType<FunctionCallContent>())
        {
            CompleteCall(call, supplement);
        }

        if (supplement.Message.ValueKind == JsonValueKind.Object)
        {
            (message.AdditionalProperties ??= [])[AnswerProperties.Extra] = supplement.Message;
        }

        if (response.FinishReason == ChatFinishReason.ContentFilter && supplement.Filtered is { } filtered && !message.Contents.OfType<ErrorContent>().Any())
        {
            message.Contents.Add(new ErrorContent($"it filtered {filtered}") { ErrorCode = "ContentFilter" });
        }

        response.Usage = supplement.Usage;
        response.ModelId = string.IsNullOrEmpty(response.ModelId) ? null : response.ModelId;
        if (supplement.RequestId is { } id)
        {
            (response.AdditionalProperties ??= [])[AnswerProperties.RequestId] = id;
        }

        if (supplement.Replaced > 0)
        {
            (response.AdditionalProperties ??= [])[AnswerProperties.Replaced] = supplement.Replaced;
        }

        return response;
    }

    private static void CompleteCall(FunctionCallContent call, AnswerSupplement supplement)
    {
        if (call.Arguments is null)
        {
            // Passed on as the text that it is: the tool call refuses it, and the model reads why.
            call.RawRepresentation = (call.RawRepresentation as ChatToolCall)?.FunctionArguments.ToString();
        }

        if (supplement.Calls.ValueKind == JsonValueKind.Object && supplement.Calls.Member(call.CallId) is { } extra)
        {
            (call.AdditionalProperties ??= [])[AnswerProperties.Extra] = extra;
        }
    }
}
