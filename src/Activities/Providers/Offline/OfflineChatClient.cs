using Microsoft.Extensions.AI;
using Polyphony.Activities.Agents;

namespace Polyphony.Activities.Providers.Offline;

/// <summary>Answers by extraction. Thread-safe: it has no state.</summary>
internal sealed class OfflineChatClient : IChatClient
{
    public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var conversation = messages as IReadOnlyList<ChatMessage> ?? [.. messages];
        Attachments.Refuse(conversation, "The offline model", "Use a model of another provider.");
        var material = OfflineMaterial.Read(conversation);
        var text = options?.ResponseFormat is ChatResponseFormatJson { Schema: { } schema }
            ? new SchemaFiller(material, schema).Fill()
            : Extractor.Summarize(material);
        return Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, text))
        {
            ModelId = OfflineProvider.ModelName,
            FinishReason = ChatFinishReason.Stop,
            Usage = new UsageDetails
            {
                InputTokenCount = conversation.Sum(message => EstimateTokens(message.Text)),
                OutputTokenCount = EstimateTokens(text),
            },
        });
    }

    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) => WholeAnswers.StreamAsync(this, messages, options, cancellationToken);

    public object? GetService(Type serviceType, object? serviceKey = null) => serviceKey is null && serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose()
    {
        // Nothing is held.
    }

    // Four tokens for three words: the rule of thumb for English text.
    private static long EstimateTokens(string text)
    {
        long words = 0;
        var inWord = false;
        foreach (var character in text)
        {
            var isSpace = char.IsWhiteSpace(character);
            words += !isSpace && !inWord ? 1 : 0;
            inWord = !isSpace;
        }

        return ((words * 4) + 2) / 3;
    }
}
