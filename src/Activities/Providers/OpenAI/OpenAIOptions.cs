using Microsoft.Extensions.AI;
using OpenAI.Chat;
using ChatResponseFormat = OpenAI.Chat.ChatResponseFormat;

namespace Polyphony.Activities.Providers.OpenAI;

/// <summary>Prepares the options of a request for the library's client, which would rewrite schemas.</summary>
internal static class OpenAIOptions
{
    /// <summary>Gives the library what it would change in the SDK's own form, and leaves the rest to it.</summary>
    /// <param name="options">The options of the conversation.</param>
    public static ChatOptions ToRequest(ChatOptions? options)
    {
        var request = options?.Clone() ?? new ChatOptions();
        request.RawRepresentationFactory = _ => Raw(options);
        request.MaxOutputTokens = null;
        request.Tools = null;
        request.ResponseFormat = null;
        return request;
    }

    private static ChatCompletionOptions Raw(ChatOptions? options)
    {
        var raw = new ChatCompletionOptions { MaxOutputTokenCount = options?.MaxOutputTokens };
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
