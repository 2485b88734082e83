namespace Polyphony.Core.Runs;

/// <summary>Limits given from outside; each replaces the definition's own where it is set.</summary>
/// <param name="MaxConcurrency">How many activations may be under way at once.</param>
/// <param name="MaxModelCalls">How many model calls may be made.</param>
/// <param name="MaxTokens">How many tokens may be used.</param>
/// <param name="MaxCostUsd">How much may be spent, in US dollars.</param>
/// <param name="TimeoutMs">How long the instance may take, in milliseconds.</param>
public sealed record RunLimits(int? MaxConcurrency = null, int? MaxModelCalls = null, long? MaxTokens = null, decimal? MaxCostUsd = null, long? TimeoutMs = null);
