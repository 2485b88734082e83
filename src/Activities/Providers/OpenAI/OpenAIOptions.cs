using System.Text;
using Microsoft.Extensions.AI;
using OpenAI.Chat;
using ChatResponseFormat = OpenAI.Chat.ChatResponseFormat;

namespace Polyphony.Activities.Providers.OpenAI;

/// <summary>Prepares the options of a request for the library's client, which would rewrite schemas.</summary>
internal static class OpenAIOptions
{
    /// <summary>What most servers call the most tokens of an answer.</summary>
    public const string CompletionTokens = "max_completion_tokens";

    /// <summary>What older ones call it.</summary>
    public const string Tokens = "max_tokens";

    /// <summary>Gives the library what it would change in the SDK's own form, and leaves the rest to it.</summary>
    /// <param name="options">The options of the conversation.</param>
    /// <param name="tokenLimit">The name of the most tokens of an answer.</param>
    public static ChatOptions ToRequest(ChatOptions? options, string tokenLimit)
    {
        var request = options?.Clone() ?? new ChatOptions();
        request.RawRepresentationFactory = _ => Raw(options, tokenLimit);
        request.MaxOutputTokens = null;
        request.Tools = null;
        request.ResponseFormat = null;
        return request;
    }

    private static ChatCompletionOptions Raw(ChatOptions? options, string tokenLimit)
    {
        var raw = new ChatCompletionOptions();
        if (options?.MaxOutputTokens is { } tokens)
        {
#pragma warning disable SCME0001 // The only way to another name than the SDK's; marked as experimental.
            raw.Patch.Set(Encoding.UTF8.GetBytes($"$.{tokenLimit}"), tokens);
#pragma warning restore SCME0001
        }

        if (options?.ResponseFormat is ChatResponseFormatJson { Schema: { } schema } format && StrictSchema.IsObject(schema))
        {
            raw.ResponseFormat = ChatResponseFormat.CreateJsonSchemaFormat(
                format.SchemaName ?? "answer", BinaryData.FromString(schema.GetRawText()), format.SchemaDescription, StrictSchema.Allows(schema));
        }

        foreach (var tool in options?.Tools?.OfType<AIFunctionDeclaration>() ?? [])
        {
            raw.Tools.Add(ChatTool.CreateFunctionTool(tool.Name, tool.Description, BinaryData.FromString(tool.JsonSchema.GetRawText())));
        }

        return raw;
    }
}
