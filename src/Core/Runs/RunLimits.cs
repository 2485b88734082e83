namespace Polyphony.Core.Runs;

/// <summary>Limits given at the start; each replaces that of the definition where it is set.</summary>
/// <param name="MaxConcurrency">The maximum number of concurrent activations.</param>
/// <param name="MaxModelCalls">The maximum number of model calls.</param>
/// <param name="MaxTokens">The maximum number of tokens.</param>
/// <param name="MaxCostUsd">The maximum cost in US dollars.</param>
/// <param name="TimeoutMs">The time limit of the instance in milliseconds.</param>
public sealed record RunLimits(int? MaxConcurrency = null, int? MaxModelCalls = null, long? MaxTokens = null, decimal? MaxCostUsd = null, long? TimeoutMs = null);
