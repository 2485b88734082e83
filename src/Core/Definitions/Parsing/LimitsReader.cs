namespace Polyphony.Core.Definitions.Parsing;

/// <summary>Reads <c>limits</c> and <c>retry</c>.</summary>
internal static class LimitsReader
{
    private static readonly TimeSpan LongestDelay = TimeSpan.FromDays(1);

    /// <summary>Reads limits.</summary>
    /// <param name="map">The map.</param>
    /// <param name="replaces">Whether they replace another workflow's: then a default that is written out is not the same as nothing.</param>
    public static WorkflowLimits Read(MapReader map, bool replaces)
    {
        var limits = new WorkflowLimits
        {
            MaxModelCalls = map.Int("maxModelCalls", 1, 100_000_000),
            MaxTokens = map.Long("maxTokens", 1, 1_000_000_000_000),
            MaxCostUsd = map.Number("maxCostUsd", 0.0001, 1_000_000) is { } cost ? (decimal)cost : null,
            Timeout = map.Duration("timeout"),
        };
        if (map.Int("maxConcurrency", 1, 1_000) is { } concurrency && (replaces || concurrency != WorkflowLimits.DefaultMaxConcurrency))
        {
            limits = limits with { MaxConcurrency = concurrency };
        }

        map.Finish();
        return limits;
    }

    public static RetryDefinition? Retry(MapReader parent)
    {
        if (parent.Map("retry") is not { } map)
        {
            return null;
        }

        var defaults = new RetryDefinition();
        var retry = new RetryDefinition
        {
            MaxAttempts = map.Int("maxAttempts", 1, 100) ?? defaults.MaxAttempts,
            FirstDelay = map.Duration("firstDelay", TimeSpan.Zero, LongestDelay) ?? defaults.FirstDelay,
            Backoff = map.Number("backoff", 1, 10) ?? defaults.Backoff,
            MaxDelay = map.Duration("maxDelay", TimeSpan.Zero, LongestDelay) ?? defaults.MaxDelay,
        };
        if (retry.FirstDelay > retry.MaxDelay)
        {
            map.Invalid(
                map.Has("firstDelay") ? "firstDelay" : "maxDelay",
                $"\"firstDelay\" ({Duration.Format(retry.FirstDelay)}) is longer than \"maxDelay\" ({Duration.Format(retry.MaxDelay)})",
                "Raise maxDelay or lower firstDelay.");
        }

        map.Finish();
        return retry;
    }
}
