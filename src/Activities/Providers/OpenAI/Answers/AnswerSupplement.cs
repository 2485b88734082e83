using System.Text.Json;
using Microsoft.Extensions.AI;
using OpenAI.Chat;
using Polyphony.Core.Json;

namespace Polyphony.Activities.Providers.OpenAI.Answers;

/// <summary>What stands beside a completion where the SDK's types have no place for it; a member of the normalised body.</summary>
internal sealed record AnswerSupplement
{
    /// <summary>The name of the member.</summary>
    public const string Member = "polyphony";

    private static readonly AnswerSupplement None = new();

    /// <summary>Gets the provider's id of the request.</summary>
    public string? RequestId { get; init; }

    /// <summary>Gets what a content filter found.</summary>
    public string? Filtered { get; init; }

    /// <summary>Gets how many halves of characters were replaced by U+FFFD.</summary>
    public int Replaced { get; init; }

    /// <summary>Gets the counts of tokens, which may be larger than the SDK's type; <see langword="null"/> if the server gave none.</summary>
    public UsageDetails? Usage { get; init; }

    /// <summary>Gets the server's own members of the message, to be sent back with it; an object or undefined.</summary>
    public JsonElement Message { get; init; }

    /// <summary>Gets the server's own members of the tool calls, by id; an object or undefined.</summary>
    public JsonElement Calls { get; init; }

    /// <summary>Reads the supplement of a completion.</summary>
    public static AnswerSupplement Of(ChatCompletion completion)
    {
#pragma warning disable SCME0001 // The only way to a member that the SDK has no type for; marked as experimental.
        if (!completion.Patch.TryGetJson("$.polyphony"u8, out var bytes))
        {
            return None;
        }
#pragma warning restore SCME0001

        var json = JsonElement.Parse(bytes.Span, JsonLimits.Document);
        return new AnswerSupplement
        {
            RequestId = json.Text("requestId"),
            Filtered = json.Text("filtered"),
            Replaced = (int)(json.Count("replaced") ?? 0),
            Usage = json.Member("usage") is { } usage
                ? new UsageDetails
                {
                    InputTokenCount = usage.Count("input"),
                    OutputTokenCount = usage.Count("output"),
                    TotalTokenCount = usage.Count("total"),
                    CachedInputTokenCount = usage.Count("cachedInput"),
                    ReasoningTokenCount = usage.Count("reasoning"),
                }
                : null,
            Message = json.Member("message") ?? default,
            Calls = json.Member("calls") ?? default,
        };
    }

    /// <summary>Writes the member.</summary>
    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject(Member);
        WriteText(writer, "requestId", RequestId);
        WriteText(writer, "filtered", Filtered);
        if (Replaced > 0)
        {
            writer.WriteNumber("replaced", Replaced);
        }

        if (Usage is not null)
        {
            writer.WriteStartObject("usage");
            WriteCount(writer, "input", Usage.InputTokenCount);
            WriteCount(writer, "output", Usage.OutputTokenCount);
            WriteCount(writer, "total", Usage.TotalTokenCount);
            WriteCount(writer, "cachedInput", Usage.CachedInputTokenCount);
            WriteCount(writer, "reasoning", Usage.ReasoningTokenCount);
            writer.WriteEndObject();
        }

        WriteJson(writer, "message", Message);
        WriteJson(writer, "calls", Calls);
        writer.WriteEndObject();
    }

    private static void WriteText(Utf8JsonWriter writer, string name, string? value)
    {
        if (value is not null)
        {
            writer.WriteString(name, value);
        }
    }

    private static void WriteCount(Utf8JsonWriter writer, string name, long? value)
    {
        if (value is { } count)
        {
            writer.WriteNumber(name, count);
        }
    }

    private static void WriteJson(Utf8JsonWriter writer, string name, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Undefined)
        {
            writer.WritePropertyName(name);
            value.WriteTo(writer);
        }
    }
}
