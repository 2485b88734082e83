using System.Text.Json;
using System.Text.Json.Nodes;

namespace Polyphony.TestKit.OpenAI;

/// <summary>What the server sends back.</summary>
public sealed record FakeOpenAIAnswer
{
    public int Status { get; init; } = 200;

    public string Body { get; init; } = "";

    /// <summary>Gets the body as bytes, where it is no text.</summary>
    public byte[]? Bytes { get; init; }

    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>();

    /// <summary>Gets a value indicating whether the connection is reset before anything is sent.</summary>
    public bool Resets { get; init; }

    /// <summary>Gets after how many characters of the body the connection is reset.</summary>
    public int? ResetsAfter { get; init; }

    /// <summary>Gets a value indicating whether the body stops half way and the rest is held back until the client goes away.</summary>
    public bool Stalls { get; init; }

    /// <summary>Gets a value indicating whether the body is sent again and again until the client goes away.</summary>
    public bool IsEndless { get; init; }

    /// <summary>Gets a value indicating whether nothing is sent until the client goes away.</summary>
    public bool Hangs { get; init; }

    /// <summary>Gets a value indicating whether the body is sent a byte at a time.</summary>
    public bool IsSlow { get; init; }

    /// <summary>Gets how long the model takes before it answers; a caller who goes away meanwhile is not charged.</summary>
    public TimeSpan Takes { get; init; }

    /// <summary>Gets under which name the answer is counted; by default the prompt.</summary>
    public string? CountedAs { get; init; }

    /// <summary>Gets a value indicating whether it counts as a paid answer.</summary>
    public bool IsAnswer => Status == 200 && !Resets && !Hangs;

    public static implicit operator FakeOpenAIAnswer(string text) => Text(text);

    public static FakeOpenAIAnswer Text(string text, string finishReason = "stop", int promptTokens = 11, int completionTokens = 7) =>
        Completion(new JsonObject { ["role"] = "assistant", ["content"] = text, ["refusal"] = null }, finishReason, promptTokens, completionTokens);

    public static FakeOpenAIAnswer Refusal(string text) =>
        Completion(new JsonObject { ["role"] = "assistant", ["content"] = null, ["refusal"] = text }, "stop", 11, 7);

    public static FakeOpenAIAnswer Calls(params (string Id, string Tool, string Arguments)[] calls) => Calls(11, 7, calls);

    public static FakeOpenAIAnswer Calls(int promptTokens, int completionTokens, params (string Id, string Tool, string Arguments)[] calls) => Completion(
        new JsonObject
        {
            ["role"] = "assistant",
            ["content"] = null,
            ["tool_calls"] = new JsonArray([.. calls.Select(call => new JsonObject
            {
                ["id"] = call.Id,
                ["type"] = "function",
                ["function"] = new JsonObject { ["name"] = call.Tool, ["arguments"] = call.Arguments },
            })]),
        },
        "tool_calls",
        promptTokens,
        completionTokens);

    public static FakeOpenAIAnswer Error(int status, string? code, string message, params (string Name, string Value)[] headers) => new()
    {
        Status = status,
        Body = new JsonObject { ["error"] = new JsonObject { ["message"] = message, ["type"] = "error", ["param"] = null, ["code"] = code } }.ToJsonString(),
        Headers = headers.ToDictionary(header => header.Name, header => header.Value, StringComparer.OrdinalIgnoreCase),
    };

    private static FakeOpenAIAnswer Completion(JsonObject message, string finishReason, int promptTokens, int completionTokens) => new()
    {
        Body = new JsonObject
        {
            ["id"] = "chatcmpl-1",
            ["object"] = "chat.completion",
            ["created"] = 1767225600,
            ["model"] = "fake-1",
            ["choices"] = new JsonArray(new JsonObject { ["index"] = 0, ["message"] = message, ["logprobs"] = null, ["finish_reason"] = finishReason }),
            ["usage"] = new JsonObject { ["prompt_tokens"] = promptTokens, ["completion_tokens"] = completionTokens, ["total_tokens"] = promptTokens + completionTokens },
        }.ToJsonString(JsonSerializerOptions.Default),
    };
}
