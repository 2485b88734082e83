using Microsoft.Extensions.AI;
using Microsoft.ML.Tokenizers;

namespace Polyphony.Activities.Agents;

/// <summary>
/// Estimates tokens where a provider does not count them, with the vocabulary of OpenAI's current models (o200k_base, which comes with the program). Other models cut text
/// differently: expect a tenth off, and more for scripts that the vocabulary knows little of. Thread-safe.
/// </summary>
internal static class TokenEstimator
{
    // What the chat format puts around a message, and before the answer: https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken
    private const int TokensPerMessage = 3;
    private const int TokensBeforeAnswer = 3;

    // Longer texts are counted in part, because counting takes time.
    private const int LongestCounted = 200_000;

    private static readonly Lazy<TiktokenTokenizer> Tokenizer = new(() => TiktokenTokenizer.CreateForEncoding("o200k_base"));

    /// <summary>Estimates the tokens of a request.</summary>
    /// <param name="conversation">The request.</param>
    public static long Input(Conversation conversation)
    {
        var tokens = (long)TokensBeforeAnswer;
        foreach (var message in conversation.Messages)
        {
            tokens += TokensPerMessage + message.Contents.Sum(Count);
        }

        foreach (var tool in conversation.Options.Tools ?? [])
        {
            tokens += Count(tool.Name) + Count(tool.Description) + Count((tool as AIFunctionDeclaration)?.JsonSchema.GetRawText());
        }

        return tokens + Count((conversation.Options.ResponseFormat as ChatResponseFormatJson)?.Schema?.GetRawText());
    }

    /// <summary>Estimates the tokens of an answer.</summary>
    /// <param name="response">The answer.</param>
    public static long Output(ChatResponse response) => response.Messages.SelectMany(message => message.Contents).Sum(Count);

    /// <summary>Estimates the tokens of a text.</summary>
    /// <param name="text">The text.</param>
    public static long Count(string? text)
    {
        if (string.IsNullOrEmpty(text))
        {
            return 0;
        }

        var counted = Tokenizer.Value.CountTokens(text.AsSpan(0, Math.Min(text.Length, LongestCounted)));
        return text.Length <= LongestCounted ? counted : (long)((double)counted * text.Length / LongestCounted);
    }

    // A picture of usual size costs about this at OpenAI; a page of a document takes some 50 KB, and a second of sound 30 KB.
    private static long Count(DataContent attachment) => attachment.HasTopLevelMediaType("image") ? 1_100 : 1_500 + (attachment.Data.Length / 50);

    private static long Count(AIContent content) => content switch
    {
        TextContent text => Count(text.Text),
        TextReasoningContent reasoning => Count(reasoning.Text),
        FunctionCallContent call => Count(call.Name) + Count(ToolArguments.ToJson(call).GetRawText()),
        FunctionResultContent result => Count(result.Result?.ToString()),
        DataContent attachment => Count(attachment),
        _ => 0,
    };
}
