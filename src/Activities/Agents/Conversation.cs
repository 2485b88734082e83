using System.Buffers;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Polyphony.Activities.Providers;
using Polyphony.Core.Definitions;

namespace Polyphony.Activities.Agents;

/// <summary>What is sent to a model.</summary>
internal sealed record Conversation(IReadOnlyList<ChatMessage> Messages, ChatOptions Options)
{
    /// <summary>Gets the number of characters of all texts.</summary>
    public int Characters => Messages.Sum(message => message.Text.Length);

    /// <summary>Hashes everything that the answer depends on. The form is fixed here, not by the library, whose contracts may grow.</summary>
    /// <param name="model">The model that is asked.</param>
    /// <returns>Lower-case hex SHA-256.</returns>
    public string Hash(ModelDefinition model)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("provider", model.Provider);
            writer.WriteString("model", model.Model);
            if (Options.Temperature is { } temperature)
            {
                writer.WriteNumber("temperature", temperature);
            }

            if (Options.MaxOutputTokens is { } tokens)
            {
                writer.WriteNumber("maxOutputTokens", tokens);
            }

            if (Options.ResponseFormat is ChatResponseFormatJson { Schema: { } schema })
            {
                writer.WritePropertyName("schema");
                schema.WriteTo(writer);
            }

            writer.WriteStartArray("tools");
            foreach (var tool in Options.Tools ?? [])
            {
                writer.WriteStringValue(tool.Name);
            }

            writer.WriteEndArray();
            writer.WriteStartArray("messages");
            foreach (var message in Messages)
            {
                writer.WriteStartObject();
                writer.WriteString("role", message.Role.Value);
                writer.WriteString("author", message.AuthorName);
                WriteContents(writer, message);
                WriteExtra(writer, message.AdditionalProperties);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return Convert.ToHexStringLower(SHA256.HashData(buffer.WrittenSpan));
    }

    private static void WriteExtra(Utf8JsonWriter writer, AdditionalPropertiesDictionary? properties)
    {
        if (properties?.GetValueOrDefault(AnswerProperties.Extra) is JsonElement extra)
        {
            writer.WritePropertyName("extra");
            extra.WriteTo(writer);
        }
    }

    private static void WriteContents(Utf8JsonWriter writer, ChatMessage message)
    {
        writer.WriteStartArray("contents");
        foreach (var content in message.Contents)
        {
            switch (content)
            {
                case TextContent text:
                    writer.WriteStringValue(text.Text);
                    break;
                case DataContent attachment:
                    writer.WriteStringValue(attachment.MediaType);
                    writer.WriteStringValue(attachment.Name);
                    writer.WriteStringValue(Convert.ToHexStringLower(SHA256.HashData(attachment.Data.Span)));
                    break;
                case FunctionCallContent call:
                    writer.WriteStringValue(call.CallId);
                    writer.WriteStringValue(call.Name);
                    ToolArguments.ToJson(call).WriteTo(writer);
                    if (call.AdditionalProperties is { } properties)
                    {
                        writer.WriteStartObject();
                        WriteExtra(writer, properties);
                        writer.WriteEndObject();
                    }

                    break;
                case FunctionResultContent result:
                    writer.WriteStringValue(result.CallId);
                    writer.WriteStringValue(result.Result?.ToString());
                    break;
            }
        }

        writer.WriteEndArray();
    }
}
