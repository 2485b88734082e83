using System.Text.Json.Serialization;

namespace Polyphony.Core.Ledger;

/// <summary>What model calls have used: of one day, workflow, agent and deployment, or summed up over some of these, which are <see langword="null"/> then.</summary>
public sealed record UsageRow
{
    /// <summary>Gets the day, by UTC.</summary>
    public DateOnly? Day { get; init; }

    /// <summary>Gets the workflow that was started.</summary>
    public string? Workflow { get; init; }

    /// <summary>Gets the agent.</summary>
    public string? Agent { get; init; }

    /// <summary>Gets the provider.</summary>
    public string? Provider { get; init; }

    /// <summary>Gets the model or deployment as the provider knows it.</summary>
    public string? Model { get; init; }

    /// <summary>Gets the number of answered calls.</summary>
    public long Calls { get; init; }

    /// <summary>Gets the tokens of the requests.</summary>
    public long InputTokens { get; init; }

    /// <summary>Gets how many of <see cref="InputTokens"/> the providers had in their caches.</summary>
    public long CachedInputTokens { get; init; }

    /// <summary>Gets the tokens of the answers.</summary>
    public long OutputTokens { get; init; }

    /// <summary>Gets how many of <see cref="OutputTokens"/> the models have thought with, as far as providers tell.</summary>
    public long ReasoningTokens { get; init; }

    /// <summary>Gets the known cost in US dollars.</summary>
    public decimal CostUsd { get; init; }

    /// <summary>Gets the number of answered calls without a known price, which <see cref="CostUsd"/> does not contain.</summary>
    public long UnpricedCalls { get; init; }

    /// <summary>Gets the number of answered calls whose tokens are estimated, because the provider did not count them.</summary>
    public long EstimatedCalls { get; init; }

    /// <summary>Gets the number of calls that were begun and never settled: each may have been billed without being recorded, or is under way.</summary>
    public long UnsettledCalls { get; init; }

    /// <summary>Gets the tokens of requests and answers.</summary>
    [JsonIgnore]
    public long Tokens => InputTokens + OutputTokens;

    /// <summary>Makes the row of one answered call.</summary>
    /// <param name="request">The call.</param>
    /// <param name="answer">Its answer.</param>
    /// <param name="answeredTime">When it was recorded.</param>
    /// <returns>The row.</returns>
    public static UsageRow Of(LedgerRequest request, LedgerAnswer answer, DateTimeOffset answeredTime) => Of(request, answeredTime) with
    {
        Calls = 1,
        InputTokens = answer.InputTokens,
        CachedInputTokens = answer.CachedInputTokens,
        OutputTokens = answer.OutputTokens,
        ReasoningTokens = answer.ReasoningTokens,
        CostUsd = answer.CostUsd ?? 0,
        UnpricedCalls = answer.CostUsd is null ? 1 : 0,
        EstimatedCalls = answer.IsEstimated ? 1 : 0,
    };

    /// <summary>Makes the row of the calls of an entry that were never settled.</summary>
    /// <param name="entry">The entry.</param>
    /// <returns>The row.</returns>
    public static UsageRow OfUnsettled(LedgerEntry entry) => Of(entry.Request, entry.BegunTime) with { UnsettledCalls = entry.Unsettled };

    /// <summary>Adds the figures of another row; what this one is of stays.</summary>
    /// <param name="other">The other row.</param>
    /// <returns>The sum.</returns>
    public UsageRow Add(UsageRow other) => this with
    {
        Calls = Calls + other.Calls,
        InputTokens = InputTokens + other.InputTokens,
        CachedInputTokens = CachedInputTokens + other.CachedInputTokens,
        OutputTokens = OutputTokens + other.OutputTokens,
        ReasoningTokens = ReasoningTokens + other.ReasoningTokens,
        CostUsd = CostUsd + other.CostUsd,
        UnpricedCalls = UnpricedCalls + other.UnpricedCalls,
        EstimatedCalls = EstimatedCalls + other.EstimatedCalls,
        UnsettledCalls = UnsettledCalls + other.UnsettledCalls,
    };

    private static UsageRow Of(LedgerRequest request, DateTimeOffset time) => new()
    {
        Day = DateOnly.FromDateTime(time.UtcDateTime),
        Workflow = request.Workflow,
        Agent = request.Agent,
        Provider = request.Provider,
        Model = request.Deployment,
    };
}
