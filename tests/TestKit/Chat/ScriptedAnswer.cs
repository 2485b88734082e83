using Microsoft.Extensions.AI;

namespace Polyphony.TestKit.Chat;

/// <summary>What a scripted model does with a request: answers, asks for tools, or fails.</summary>
public sealed record ScriptedAnswer
{
    public ChatResponse? Response { get; init; }

    public Exception? Exception { get; init; }

    /// <summary>Gets a value indicating whether the call never ends, unless it is cancelled.</summary>
    public bool Hangs { get; init; }

    /// <summary>Gets a value indicating whether cancellation is not heeded, as by a careless client.</summary>
    public bool IgnoresCancellation { get; init; }

    public static implicit operator ScriptedAnswer(string text) => Text(text);

    public static ScriptedAnswer Text(string text, int inputTokens = 10, int outputTokens = 5, string? finishReason = null) => new()
    {
        Response = new ChatResponse(new ChatMessage(ChatRole.Assistant, text))
        {
            ResponseId = "response-1",
            ModelId = "scripted-1",
            FinishReason = new ChatFinishReason(finishReason ?? "stop"),
            Usage = new UsageDetails { InputTokenCount = inputTokens, OutputTokenCount = outputTokens },
        },
    };

    public static ScriptedAnswer Calls(params (string Id, string Tool, Dictionary<string, object?> Arguments)[] calls) => new()
    {
        Response = new ChatResponse(new ChatMessage(ChatRole.Assistant, [.. calls.Select(call => new FunctionCallContent(call.Id, call.Tool, call.Arguments))]))
        {
            ResponseId = "response-1",
            ModelId = "scripted-1",
            FinishReason = ChatFinishReason.ToolCalls,
            Usage = new UsageDetails { InputTokenCount = 10, OutputTokenCount = 5 },
        },
    };

    public static ScriptedAnswer Fails(Exception exception) => new() { Exception = exception };

    public static ScriptedAnswer Never(bool ignoresCancellation = false) => new() { Hangs = true, IgnoresCancellation = ignoresCancellation };
}
