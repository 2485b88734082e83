using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Polyphony.Activities.Providers.OpenAI.Answers;

/// <summary>Reads how many tokens an answer took, under the names that servers have for it. What is not a number, or negative, is not known.</summary>
internal static class TokenCounts
{
    /// <summary>Reads the counts of a completion.</summary>
    /// <returns>The counts; <see langword="null"/> if the server gave none.</returns>
    public static UsageDetails? Read(JsonElement completion)
    {
        if ((completion.Member("usage") ?? (completion.Member("x_groq") is { } groq ? groq.Member("usage") : null)) is not { } usage)
        {
            return null;
        }

        var input = usage.Count("prompt_tokens", "input_tokens");
        var output = usage.Count("completion_tokens", "output_tokens");
        var total = usage.Count("total_tokens");
        output ??= total - input is >= 0 and var rest ? rest : null;
        if (input is null && output is null && total is null)
        {
            return null;
        }

        var inputDetails = usage.Member("prompt_tokens_details", "input_tokens_details") ?? default;
        var outputDetails = usage.Member("completion_tokens_details", "output_tokens_details") ?? default;
        return new UsageDetails
        {
            InputTokenCount = input,
            OutputTokenCount = output,
            TotalTokenCount = total,
            CachedInputTokenCount = inputDetails.Count("cached_tokens") ?? usage.Count("prompt_cache_hit_tokens", "cached_tokens", "cache_read_input_tokens"),
            ReasoningTokenCount = outputDetails.Count("reasoning_tokens") ?? usage.Count("reasoning_tokens"),
        };
    }
}
