using System.Text.Json.Serialization;

namespace Polyphony.Core.Ledger;

/// <summary>
/// Records every model call and every tool call once under its step id, before its answer is used, so that a redelivered step reuses
/// the answer, is not billed again and has no effect twice. Thread-safe. Every write is durable when its task completes.
/// </summary>
/// <remarks>
/// <para>The step id of a tool call is its effect key. A tool call that was begun and not settled may have happened: it is made again only if its tool is idempotent, or if somebody knows that it did not.</para>
/// There are two ways to pay for an answer that is lost: a crash after the provider has answered and before <see cref="CompleteAsync"/> has committed, and a
/// connection that breaks, or a time limit that passes, before the answer is here. Both show as a step begun more often than it ended
/// (<see cref="LedgerEntry.Unsettled"/>).
/// </remarks>
public interface ILedger
{
    /// <summary>Notes that a call is about to be made, unless its answer already exists.</summary>
    /// <param name="request">What is about to be asked.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>The entry; if it has an <see cref="LedgerEntry.Answer"/>, nothing was noted and the answer must be used.</returns>
    Task<LedgerEntry> BeginAsync(LedgerRequest request, CancellationToken cancellationToken = default);

    /// <summary>Records the provider's answer. The first answer of a step stays; a later one is only counted.</summary>
    /// <param name="stepId">The step.</param>
    /// <param name="answer">The answer.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>The answer that stands for this step.</returns>
    Task<LedgerAnswer> CompleteAsync(string stepId, LedgerAnswer answer, CancellationToken cancellationToken = default);

    /// <summary>Records that the provider refused, or could not be reached: this attempt is settled and was not paid.</summary>
    /// <param name="stepId">The step.</param>
    /// <param name="errorCode">The classified error.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>A task that completes when this is durable.</returns>
    Task FailAsync(string stepId, string errorCode, CancellationToken cancellationToken = default);

    /// <summary>
    /// Records why no answer arrived to a call that the provider may have answered and may charge for: the attempt stays unsettled. By default nothing is written,
    /// because an attempt is unsettled from its beginning.
    /// </summary>
    /// <param name="stepId">The step.</param>
    /// <param name="errorCode">The classified error.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>A task that completes when this is durable.</returns>
    Task LeaveUnsettledAsync(string stepId, string errorCode, CancellationToken cancellationToken = default) => Task.CompletedTask;

    /// <summary>Finds the entry of a step.</summary>
    /// <param name="instanceId">The root instance that is charged.</param>
    /// <param name="stepId">The step.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The entry, or <see langword="null"/> if the step was never begun.</returns>
    Task<LedgerEntry?> FindAsync(string instanceId, string stepId, CancellationToken cancellationToken = default);

    /// <summary>Lists the entries of an instance, those of tool calls as well, in the order in which they began.</summary>
    /// <param name="instanceId">The instance.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>The entries.</returns>
    Task<IReadOnlyList<LedgerEntry>> ListAsync(string instanceId, CancellationToken cancellationToken = default);

    /// <summary>Sums up the model calls of all entries, or of those of one instance. Tool calls cost nothing and are not counted.</summary>
    /// <param name="instanceId">The instance, or <see langword="null"/> for all.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>The totals.</returns>
    Task<LedgerTotals> GetTotalsAsync(string? instanceId = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// Sums up model calls by day (UTC), workflow, agent and deployment, those of purged instances as well: an answered call counts on the day of its answer,
    /// a call that was begun and never settled on the day on which its step was first begun.
    /// </summary>
    /// <param name="from">The first day.</param>
    /// <param name="to">The last day.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>The sums; at most one for each day, workflow, agent and deployment, in no order.</returns>
    Task<IReadOnlyList<UsageRow>> ReadUsageAsync(DateOnly from, DateOnly to, CancellationToken cancellationToken = default);

    /// <summary>Lists the model calls that were begun more often than they were settled: each may have been billed without being recorded, or is under way. Those of purged instances are only counted (<see cref="ReadUsageAsync"/>).</summary>
    /// <param name="top">The maximum number of entries.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>The entries, the newest first.</returns>
    Task<IReadOnlyList<LedgerEntry>> ListUnsettledAsync(int top, CancellationToken cancellationToken = default);

    /// <summary>Removes the entries of a purged instance. What its calls have used stays in the sums of <see cref="ReadUsageAsync"/>.</summary>
    /// <param name="instanceId">The instance.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>A task that completes when this is durable.</returns>
    Task RemoveAsync(string instanceId, CancellationToken cancellationToken = default);
}

/// <summary>A model call or a tool call about to be made.</summary>
/// <param name="StepId">Instance, activation and call, such as <c>run-7/research[3]#2/1</c>; the same on every delivery. Of a tool call, its effect key.</param>
/// <param name="InstanceId">The root instance that is charged.</param>
/// <param name="Agent">The agent; empty for a tool call.</param>
/// <param name="Model">The model alias; for a tool call, the tool.</param>
/// <param name="RequestHash">Lower-case hex SHA-256 of what is sent.</param>
public sealed record LedgerRequest(string StepId, string InstanceId, string Agent, string Model, string RequestHash)
{
    /// <summary>Gets the workflow that is charged: that of the root instance. Empty for a tool call.</summary>
    public string Workflow { get; init; } = "";

    /// <summary>Gets the model's provider, such as <c>openai</c>. Empty for a tool call.</summary>
    public string Provider { get; init; } = "";

    /// <summary>Gets the model or deployment as the provider knows it, such as <c>gpt-4.1-mini</c>. Empty for a tool call.</summary>
    public string Deployment { get; init; } = "";

    /// <summary>Gets a value indicating whether this is a tool call.</summary>
    [JsonIgnore]
    public bool IsToolCall => Agent.Length == 0;
}

/// <summary>A provider's answer, or what a tool call came to.</summary>
public sealed record LedgerAnswer
{
    /// <summary>Gets the answer as JSON, in the form that the activities write and read.</summary>
    public required string Content { get; init; }

    /// <summary>Gets the provider's id of the request, if it named one.</summary>
    public string? ProviderRequestId { get; init; }

    /// <summary>Gets the model that answered, in the provider's words.</summary>
    public string? ResponseModel { get; init; }

    /// <summary>Gets why the model stopped, such as <c>stop</c> or <c>length</c>.</summary>
    public string? FinishReason { get; init; }

    /// <summary>Gets the tokens of the request.</summary>
    public long InputTokens { get; init; }

    /// <summary>Gets how many of <see cref="InputTokens"/> the provider had in its cache, which is cheaper.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long CachedInputTokens { get; init; }

    /// <summary>Gets the tokens of the answer.</summary>
    public long OutputTokens { get; init; }

    /// <summary>Gets how many of <see cref="OutputTokens"/> the model has thought with.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long ReasoningTokens { get; init; }

    /// <summary>Gets a value indicating whether tokens are estimated, because the provider did not count them.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool IsEstimated { get; init; }

    /// <summary>Gets the price in US dollars; <see langword="null"/> when no price is known for the model.</summary>
    public decimal? CostUsd { get; init; }
}

/// <summary>What the ledger holds of a step.</summary>
/// <param name="Request">What was asked.</param>
/// <param name="Answer">The answer, once recorded.</param>
/// <param name="Begun">How many times the call was begun.</param>
/// <param name="Failed">How many times the provider refused or could not be reached, which is not charged.</param>
/// <param name="LastError">The last classified error.</param>
/// <param name="BegunTime">When it was first begun.</param>
/// <param name="AnsweredTime">When the answer was recorded.</param>
public sealed record LedgerEntry(
    LedgerRequest Request, LedgerAnswer? Answer, int Begun, int Failed, string? LastError, DateTimeOffset BegunTime, DateTimeOffset? AnsweredTime)
{
    /// <summary>Gets the number of calls that were begun and never settled: each may have been billed without being recorded.</summary>
    public int Unsettled => Begun - Failed - (Answer is null ? 0 : 1);
}

/// <summary>Sums over ledger entries.</summary>
/// <param name="Steps">Steps with an answer.</param>
/// <param name="InputTokens">Tokens of the requests.</param>
/// <param name="OutputTokens">Tokens of the answers.</param>
/// <param name="CostUsd">The known cost in US dollars.</param>
/// <param name="Unsettled">Calls begun and never settled.</param>
public sealed record LedgerTotals(long Steps, long InputTokens, long OutputTokens, decimal CostUsd, long Unsettled);
