using System.Text.Json;
using System.Text.Json.Serialization;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Json;

/// <summary>
/// Reads and writes the results of model calls, of which every agent's step reads one: by hand, because the serializer collects the values of
/// init-only members in boxes before it makes the object. The members that every answer has are read here, the others by their own contracts.
/// </summary>
internal sealed class AgentCallResultConverter : JsonConverter<AgentCallResult>
{
    /// <inheritdoc/>
    public override AgentCallResult Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw new JsonException($"The result of a model call is an object; found {reader.TokenType}.");
        }

        var result = new Members();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            ReadMember(ref reader, ref result);
        }

        return new AgentCallResult
        {
            Output = result.Output,
            ToolCalls = result.ToolCalls,
            Beside = result.Beside,
            Error = result.Error,
            Wait = result.Wait,
            Invalid = result.Invalid,
            Fallback = result.Fallback,
            Usage = result.Usage ?? Usage.None,
            Provider = result.Provider,
            ResponseModel = result.ResponseModel,
            FinishReason = result.FinishReason,
            ProviderRequestId = result.ProviderRequestId,
            FromLedger = result.FromLedger,
        };
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, AgentCallResult value, JsonSerializerOptions options)
    {
        var json = CoreJsonContext.Default;
        writer.WriteStartObject();
        Write(writer, "output"u8, value.Output, json.Payload);
        Write(writer, "toolCalls"u8, value.ToolCalls, json.IReadOnlyListRequestedToolCall);
        Write(writer, "beside"u8, value.Beside, json.Payload);
        Write(writer, "error"u8, value.Error, json.CallError);
        Write(writer, "wait"u8, value.Wait, json.CallWait);
        Write(writer, "invalid"u8, value.Invalid, json.RepairRequest);
        Write(writer, "fallback"u8, value.Fallback, json.IReadOnlyListString);
        Write(writer, "usage"u8, value.Usage, json.Usage);
        Write(writer, "provider"u8, value.Provider, json.String);
        Write(writer, "responseModel"u8, value.ResponseModel, json.String);
        Write(writer, "finishReason"u8, value.FinishReason, json.String);
        Write(writer, "providerRequestId"u8, value.ProviderRequestId, json.String);
        writer.WriteBoolean("fromLedger"u8, value.FromLedger);
        writer.WriteEndObject();
    }

    private static void ReadMember(ref Utf8JsonReader reader, ref Members result)
    {
        var json = CoreJsonContext.Default;
        if (reader.ValueTextEquals("output"u8))
        {
            reader.Read();
            result.Output = JsonSerializer.Deserialize(ref reader, json.Payload);
        }
        else if (reader.ValueTextEquals("usage"u8))
        {
            reader.Read();
            result.Usage = reader.TokenType == JsonTokenType.StartObject ? ReadUsage(ref reader) : null;
        }
        else if (reader.ValueTextEquals("provider"u8))
        {
            reader.Read();
            result.Provider = reader.GetString();
        }
        else if (reader.ValueTextEquals("responseModel"u8))
        {
            reader.Read();
            result.ResponseModel = reader.GetString();
        }
        else if (reader.ValueTextEquals("finishReason"u8))
        {
            reader.Read();
            result.FinishReason = reader.GetString();
        }
        else if (reader.ValueTextEquals("providerRequestId"u8))
        {
            reader.Read();
            result.ProviderRequestId = reader.GetString();
        }
        else if (reader.ValueTextEquals("fromLedger"u8))
        {
            reader.Read();
            result.FromLedger = reader.GetBoolean();
        }
        else if (reader.ValueTextEquals("error"u8))
        {
            reader.Read();
            result.Error = JsonSerializer.Deserialize(ref reader, json.CallError);
        }
        else if (reader.ValueTextEquals("wait"u8))
        {
            reader.Read();
            result.Wait = JsonSerializer.Deserialize(ref reader, json.CallWait);
        }
        else if (reader.ValueTextEquals("toolCalls"u8))
        {
            reader.Read();
            result.ToolCalls = JsonSerializer.Deserialize(ref reader, json.IReadOnlyListRequestedToolCall);
        }
        else if (reader.ValueTextEquals("beside"u8))
        {
            reader.Read();
            result.Beside = JsonSerializer.Deserialize(ref reader, json.Payload);
        }
        else if (reader.ValueTextEquals("invalid"u8))
        {
            reader.Read();
            result.Invalid = JsonSerializer.Deserialize(ref reader, json.RepairRequest);
        }
        else if (reader.ValueTextEquals("fallback"u8))
        {
            reader.Read();
            result.Fallback = JsonSerializer.Deserialize(ref reader, json.IReadOnlyListString);
        }
        else
        {
            reader.Read();
            reader.Skip();
        }
    }

    private static Usage ReadUsage(ref Utf8JsonReader reader)
    {
        int calls = 0, unpriced = 0, estimated = 0, cutOff = 0, replaced = 0;
        long input = 0, output = 0, cached = 0;
        decimal cost = 0;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("modelCalls"u8))
            {
                reader.Read();
                calls = reader.GetInt32();
            }
            else if (reader.ValueTextEquals("inputTokens"u8))
            {
                reader.Read();
                input = reader.GetInt64();
            }
            else if (reader.ValueTextEquals("outputTokens"u8))
            {
                reader.Read();
                output = reader.GetInt64();
            }
            else if (reader.ValueTextEquals("costUsd"u8))
            {
                reader.Read();
                cost = reader.GetDecimal();
            }
            else if (reader.ValueTextEquals("cachedInputTokens"u8))
            {
                reader.Read();
                cached = reader.GetInt64();
            }
            else if (reader.ValueTextEquals("unpricedCalls"u8))
            {
                reader.Read();
                unpriced = reader.GetInt32();
            }
            else if (reader.ValueTextEquals("estimatedCalls"u8))
            {
                reader.Read();
                estimated = reader.GetInt32();
            }
            else if (reader.ValueTextEquals("cutOffCalls"u8))
            {
                reader.Read();
                cutOff = reader.GetInt32();
            }
            else if (reader.ValueTextEquals("replacedCalls"u8))
            {
                reader.Read();
                replaced = reader.GetInt32();
            }
            else
            {
                reader.Read();
                reader.Skip();
            }
        }

        return new Usage(calls, input, output, cost, cached, unpriced, estimated, cutOff, replaced);
    }

    private static void Write<T>(Utf8JsonWriter writer, ReadOnlySpan<byte> name, T? value, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
        where T : class
    {
        if (value is not null)
        {
            writer.WritePropertyName(name);
            JsonSerializer.Serialize(writer, value, type);
        }
    }

    private struct Members
    {
        public Payload? Output;
        public IReadOnlyList<RequestedToolCall>? ToolCalls;
        public Payload? Beside;
        public CallError? Error;
        public CallWait? Wait;
        public RepairRequest? Invalid;
        public IReadOnlyList<string>? Fallback;
        public Usage? Usage;
        public string? Provider;
        public string? ResponseModel;
        public string? FinishReason;
        public string? ProviderRequestId;
        public bool FromLedger;
    }
}
