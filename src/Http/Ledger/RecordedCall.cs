using Polyphony.Core.Ledger;

namespace Polyphony.Http.Ledger;

/// <summary>A model call or a tool call as the ledger has it, without what was asked and answered.</summary>
internal sealed record RecordedCall
{
    /// <summary>Gets the step: instance, activation and call.</summary>
    public required string Step { get; init; }

    /// <summary>Gets the root instance that is charged.</summary>
    public required string InstanceId { get; init; }

    /// <summary>Gets the tool; <see langword="null"/> for a model call.</summary>
    public string? Tool { get; init; }

    /// <summary>Gets the workflow that is charged; <see langword="null"/> for a tool call, as are the agent, the provider, the model and what they cost.</summary>
    public string? Workflow { get; init; }

    /// <summary>Gets the agent.</summary>
    public string? Agent { get; init; }

    /// <summary>Gets the provider.</summary>
    public string? Provider { get; init; }

    /// <summary>Gets the model or deployment as the provider knows it.</summary>
    public string? Model { get; init; }

    /// <summary>Gets the model that answered, in the provider's words.</summary>
    public string? ResponseModel { get; init; }

    /// <summary>Gets the provider's id of the request.</summary>
    public string? ProviderRequestId { get; init; }

    /// <summary>Gets why the model stopped.</summary>
    public string? FinishReason { get; init; }

    /// <summary>Gets the tokens of the request.</summary>
    public long? InputTokens { get; init; }

    /// <summary>Gets how many of them the provider had in its cache.</summary>
    public long? CachedInputTokens { get; init; }

    /// <summary>Gets the tokens of the answer.</summary>
    public long? OutputTokens { get; init; }

    /// <summary>Gets how many of them the model has thought with.</summary>
    public long? ReasoningTokens { get; init; }

    /// <summary>Gets a value indicating whether tokens are estimated.</summary>
    public bool? IsEstimated { get; init; }

    /// <summary>Gets the price in US dollars; <see langword="null"/> when none is known.</summary>
    public decimal? CostUsd { get; init; }

    /// <summary>Gets how many times the call was begun.</summary>
    public required int Begun { get; init; }

    /// <summary>Gets how many times it was refused, or could not be made, which is not charged.</summary>
    public required int Failed { get; init; }

    /// <summary>Gets how many times it was begun and never settled: each may have been billed without being recorded, or is under way.</summary>
    public required int Unsettled { get; init; }

    /// <summary>Gets the last classified error.</summary>
    public string? LastError { get; init; }

    /// <summary>Gets when it was first begun.</summary>
    public required DateTimeOffset BegunTime { get; init; }

    /// <summary>Gets when the answer was recorded.</summary>
    public DateTimeOffset? AnsweredTime { get; init; }

    /// <summary>Makes it of an entry.</summary>
    /// <param name="entry">The entry.</param>
    /// <returns>The call.</returns>
    public static RecordedCall Of(LedgerEntry entry)
    {
        var call = new RecordedCall
        {
            Step = entry.Request.StepId,
            InstanceId = entry.Request.InstanceId,
            Begun = entry.Begun,
            Failed = entry.Failed,
            Unsettled = entry.Unsettled,
            LastError = entry.LastError,
            BegunTime = entry.BegunTime,
            AnsweredTime = entry.AnsweredTime,
        };
        if (entry.Request.IsToolCall)
        {
            return call with { Tool = entry.Request.Model };
        }

        call = call with { Workflow = entry.Request.Workflow, Agent = entry.Request.Agent, Provider = entry.Request.Provider, Model = entry.Request.Deployment };
        return entry.Answer is not { Content.Length: > 0 } answer
            ? call
            : call with
            {
                ResponseModel = answer.ResponseModel,
                ProviderRequestId = answer.ProviderRequestId,
                FinishReason = answer.FinishReason,
                InputTokens = answer.InputTokens,
                CachedInputTokens = answer.CachedInputTokens,
                OutputTokens = answer.OutputTokens,
                ReasoningTokens = answer.ReasoningTokens,
                IsEstimated = answer.IsEstimated ? true : null,
                CostUsd = answer.CostUsd,
            };
    }
}
