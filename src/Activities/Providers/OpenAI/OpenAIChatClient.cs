using System.ClientModel;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.Extensions.AI;
using OpenAI.Chat;
using Polyphony.Activities.Errors;
using Polyphony.Core.Interpreter;
using ChatFinishReason = Microsoft.Extensions.AI.ChatFinishReason;
using ChatMessage = Microsoft.Extensions.AI.ChatMessage;

namespace Polyphony.Activities.Providers.OpenAI;

/// <summary>The SDK's chat client as an <see cref="IChatClient"/>. Thread-safe.</summary>
/// <param name="client">The SDK's client.</param>
/// <param name="model">The model or deployment.</param>
/// <param name="endpoint">The address, for those who ask.</param>
/// <param name="prepare">What is done to the options of each request before it is sent.</param>
internal sealed class OpenAIChatClient(ChatClient client, string model, Uri endpoint, Action<ChatCompletionOptions>? prepare = null) : IChatClient
{
    /// <summary>The name under which the provider's request id stands in <see cref="ChatResponse.AdditionalProperties"/>.</summary>
    public const string RequestIdProperty = "requestId";

    private readonly ChatClientMetadata _metadata = new("openai", endpoint, model);

    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var request = OpenAIMessages.ToRequest(messages);
        var requestOptions = OpenAIMessages.ToOptions(options);
        prepare?.Invoke(requestOptions);
        ClientResult<ChatCompletion> result;
        try
        {
            result = await client.CompleteChatAsync(request, requestOptions, cancellationToken);
        }
        catch (Exception exception) when (IsUnreadable(exception))
        {
            throw Unreadable(exception);
        }

        try
        {
            return ToResponse(result);
        }
        catch (Exception exception) when (IsUnreadable(exception))
        {
            throw Unreadable(exception);
        }
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        // An answer is recorded whole before it is used, so there is nobody to stream to: one update holds it all.
        foreach (var update in (await GetResponseAsync(messages, options, cancellationToken)).ToChatResponseUpdates())
        {
            yield return update;
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceKey is not null ? null
        : serviceType == typeof(ChatClientMetadata) ? _metadata
        : serviceType == typeof(ChatClient) ? client
        : serviceType.IsInstanceOfType(this) ? this
        : null;

    public void Dispose()
    {
        // Connections belong to the SDK's shared transport.
    }

    // What the SDK throws when a body is no JSON, or lacks what the protocol demands.
    private static bool IsUnreadable(Exception exception) =>
        exception is JsonException or FormatException or ArgumentException or InvalidOperationException or KeyNotFoundException or NullReferenceException or IndexOutOfRangeException;

    private static ModelException Unreadable(Exception exception) => new(
        new CallError(ErrorCodes.ProviderInvalidAnswer, $"The provider's answer could not be read: {exception.Message}", ErrorKind.Transient), exception);

    // Azure says which category it was beside the answer, where the SDK's types have no place for it.
    private static string? Filtered(ClientResult result)
    {
        using var body = JsonDocument.Parse(result.GetRawResponse().Content.ToMemory());
        return ContentFilterAnnotations.OfCompletion(body.RootElement);
    }

    private static ChatResponse ToResponse(ClientResult<ChatCompletion> result)
    {
        var completion = result.Value;
        var headers = result.GetRawResponse().Headers;
        var finishReason = completion.FinishReason switch
        {
            global::OpenAI.Chat.ChatFinishReason.Length => ChatFinishReason.Length,
            global::OpenAI.Chat.ChatFinishReason.ContentFilter => ChatFinishReason.ContentFilter,
            global::OpenAI.Chat.ChatFinishReason.ToolCalls or global::OpenAI.Chat.ChatFinishReason.FunctionCall => ChatFinishReason.ToolCalls,
            _ => ChatFinishReason.Stop,
        };
        List<AIContent> contents = [.. completion.Content.Where(part => part.Kind == ChatMessageContentPartKind.Text).Select(part => new TextContent(part.Text))];
        contents.AddRange(completion.ToolCalls.Select(OpenAIMessages.ToCall));
        if (completion.Refusal is { Length: > 0 } refusal)
        {
            contents.Add(new ErrorContent(refusal) { ErrorCode = "Refusal" });
        }
        else if (finishReason == ChatFinishReason.ContentFilter && Filtered(result) is { } filtered)
        {
            contents.Add(new ErrorContent($"it filtered {filtered}") { ErrorCode = "ContentFilter" });
        }

        return new ChatResponse(new ChatMessage(ChatRole.Assistant, contents))
        {
            ResponseId = completion.Id,
            ModelId = completion.Model,
            CreatedAt = completion.CreatedAt,
            FinishReason = finishReason,
            Usage = completion.Usage is { } usage
                ? new UsageDetails { InputTokenCount = usage.InputTokenCount, OutputTokenCount = usage.OutputTokenCount, TotalTokenCount = usage.TotalTokenCount }
                : null,
            AdditionalProperties = headers.TryGetValue("x-request-id", out var id) ? new AdditionalPropertiesDictionary { [RequestIdProperty] = id } : null,
        };
    }
}
