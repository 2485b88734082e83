namespace Polyphony.Activities.Providers.OpenAI.Answers;

/// <summary>The words that servers have for why a model stopped, and the protocol's word for each.</summary>
internal static class FinishReasons
{
    public const string Stop = "stop";
    public const string Length = "length";
    public const string ToolCalls = "tool_calls";
    public const string ContentFilter = "content_filter";

    // Lower-case. The second group of "length" is of servers that broke off: what there is of the answer is used, and marked as cut.
    private static readonly Dictionary<string, string> Known = new(StringComparer.Ordinal)
    {
        ["length"] = Length,
        ["max_tokens"] = Length,
        ["max_output_tokens"] = Length,
        ["max_completion_tokens"] = Length,
        ["max_length"] = Length,
        ["model_length"] = Length,
        ["token_limit"] = Length,
        ["model_context_window_exceeded"] = Length,
        ["incomplete"] = Length,
        ["abort"] = Length,
        ["error"] = Length,
        ["network_error"] = Length,
        ["insufficient_system_resource"] = Length,
        ["content_filter"] = ContentFilter,
        ["content_filtered"] = ContentFilter,
        ["safety"] = ContentFilter,
        ["recitation"] = ContentFilter,
        ["blocklist"] = ContentFilter,
        ["prohibited_content"] = ContentFilter,
        ["spii"] = ContentFilter,
        ["sensitive"] = ContentFilter,
        ["guardrail_intervened"] = ContentFilter,
    };

    /// <summary>Gets the protocol's word. Missing, empty and unknown ones of an answer that is there mean that the model was done.</summary>
    /// <param name="reason">The server's word.</param>
    /// <param name="hasToolCalls">Whether the answer asks for tools.</param>
    public static string Normalize(string? reason, bool hasToolCalls) =>
        reason is not null && Known.TryGetValue(reason.Trim().ToLowerInvariant(), out var known) ? known : hasToolCalls ? ToolCalls : Stop;
}
