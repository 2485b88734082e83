using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using OpenAI.Chat;
using Polyphony.Activities.Agents;
using ChatMessage = Microsoft.Extensions.AI.ChatMessage;
using ChatResponseFormat = OpenAI.Chat.ChatResponseFormat;

namespace Polyphony.Activities.Providers.OpenAI;

/// <summary>Turns conversations into the SDK's types and back.</summary>
internal static class OpenAIMessages
{
    private const int LongestName = 64;

    public static IEnumerable<global::OpenAI.Chat.ChatMessage> ToRequest(IEnumerable<ChatMessage> messages)
    {
        List<global::OpenAI.Chat.ChatMessage> request = [];
        foreach (var message in messages)
        {
            if (message.Role == ChatRole.Tool)
            {
                request.AddRange(message.Contents.OfType<FunctionResultContent>().Select(result => new ToolChatMessage(result.CallId, result.Result?.ToString() ?? "")));
            }
            else if (message.Role == ChatRole.Assistant)
            {
                ChatToolCall[] calls = [.. message.Contents.OfType<FunctionCallContent>().Select(call =>
                    ChatToolCall.CreateFunctionToolCall(call.CallId, call.Name, BinaryData.FromString(ToolArguments.ToJson(call).GetRawText())))];
                request.Add(calls.Length > 0 ? new AssistantChatMessage(calls) : new AssistantChatMessage(message.Text));
            }
            else
            {
                request.Add(message.Role == ChatRole.System
                    ? new SystemChatMessage(message.Text)
                    : message.AuthorName is { } author ? new UserChatMessage(message.Text) { ParticipantName = Name(author) } : new UserChatMessage(message.Text));
            }
        }

        return request;
    }

    public static ChatCompletionOptions ToOptions(ChatOptions? options)
    {
        var request = new ChatCompletionOptions();
        if (options is null)
        {
            return request;
        }

        request.Temperature = options.Temperature;
        request.MaxOutputTokenCount = options.MaxOutputTokens;
        if (options.ResponseFormat is ChatResponseFormatJson { Schema: { } schema } format && StrictSchema.IsObject(schema))
        {
            request.ResponseFormat = ChatResponseFormat.CreateJsonSchemaFormat(
                format.SchemaName ?? "answer", BinaryData.FromString(schema.GetRawText()), format.SchemaDescription, StrictSchema.Allows(schema));
        }

        foreach (var tool in options.Tools?.OfType<AIFunctionDeclaration>() ?? [])
        {
            request.Tools.Add(ChatTool.CreateFunctionTool(tool.Name, tool.Description, BinaryData.FromString(tool.JsonSchema.GetRawText())));
        }

        return request;
    }

    public static FunctionCallContent ToCall(ChatToolCall call)
    {
        var text = call.FunctionArguments.ToString();
        try
        {
            var arguments = text.Length == 0 ? JsonElement.Parse("{}"u8) : JsonElement.Parse(text);
            if (ToolArguments.FromJson(arguments) is { } members)
            {
                return new FunctionCallContent(call.Id, call.FunctionName, members);
            }
        }
        catch (JsonException)
        {
            // Passed on as the text that it is: the tool call refuses it, and the model reads why.
        }

        return new FunctionCallContent(call.Id, call.FunctionName) { RawRepresentation = text };
    }

    // The protocol takes letters, digits, _ and - only.
    private static string Name(string author)
    {
        var name = new StringBuilder();
        foreach (var character in author)
        {
            name.Append(char.IsAsciiLetterOrDigit(character) || character is '_' or '-' ? character : '_');
        }

        return name.Length <= LongestName ? name.ToString() : name.ToString(0, LongestName);
    }
}
