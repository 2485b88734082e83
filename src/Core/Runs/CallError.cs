using Polyphony.Core.Definitions;

namespace Polyphony.Core.Runs;

/// <summary>Why a call failed; classified once, where the failure happened.</summary>
/// <param name="Code">A stable code: see <see cref="ErrorCodes"/>.</param>
/// <param name="Message">What happened, for people.</param>
/// <param name="Kind">What to do about it.</param>
/// <param name="RetryAfterMs">For <see cref="ErrorKind.RateLimited"/>: the wait that the provider asked for, in milliseconds, if any.</param>
public sealed record CallError(string Code, string Message, ErrorKind Kind, long? RetryAfterMs = null)
{
    /// <summary>Gets the error of a call that was cancelled.</summary>
    public static CallError Cancelled { get; } = new(ErrorCodes.Cancelled, "The call was cancelled: nobody waits for its answer any more.", ErrorKind.Terminal);

    /// <summary>Gets the error of a call whose activity has returned nothing: it was given up although the run waits for it.</summary>
    public static CallError NoResult { get; } = new(ErrorCodes.ActivityFailed, "The activity returned neither an answer nor an error: it was given up while the run waited for it.", ErrorKind.Transient);
}

/// <summary>What a failure means for the next attempt.</summary>
public enum ErrorKind
{
    /// <summary>Temporary: retry after the delay of the retry policy.</summary>
    Transient,

    /// <summary>The provider asks to slow down: retry after its delay, or that of the policy if it is longer.</summary>
    RateLimited,

    /// <summary>The same request would fail again: no further attempts with this model.</summary>
    Terminal,
}

/// <summary>The stable codes of <see cref="CallError"/>.</summary>
public static class ErrorCodes
{
    /// <summary>A model call, a tool or a node exceeded its time limit, or an answer or event did not arrive in time.</summary>
    public const string Timeout = "timeout";

    /// <summary>The program has no workflow in C# of that name.</summary>
    public const string CodeNotFound = "code_not_found";

    /// <summary>A workflow in C# threw an unhandled exception.</summary>
    public const string CodeFailed = "code_failed";

    /// <summary>What a node attaches to its prompt is no image, document or sound that models take.</summary>
    public const string AttachmentInvalid = "attachment_invalid";

    /// <summary>A value is too large to be read there.</summary>
    public const string ValueTooLarge = "value_too_large";

    /// <summary>The call is abandoned: its run or its node has ended.</summary>
    public const string Cancelled = "cancelled";

    /// <summary>The provider asks to slow down.</summary>
    public const string RateLimited = "rate_limited";

    /// <summary>The provider failed (5xx) or could not be reached.</summary>
    public const string ProviderUnavailable = "provider_unavailable";

    /// <summary>The provider's answer could not be read.</summary>
    public const string ProviderInvalidAnswer = "provider_invalid_answer";

    /// <summary>The model answered with neither text nor a tool call.</summary>
    public const string EmptyAnswer = "empty_answer";

    /// <summary>The provider's answer is larger than the limit.</summary>
    public const string AnswerTooLarge = "answer_too_large";

    /// <summary>The provider refused the request as malformed.</summary>
    public const string BadRequest = "bad_request";

    /// <summary>The provider refused the content.</summary>
    public const string ContentFilter = "content_filter";

    /// <summary>The conversation is longer than the model's context.</summary>
    public const string ContextTooLong = "context_too_long";

    /// <summary>The key or identity was refused or is missing.</summary>
    public const string Authentication = "authentication";

    /// <summary>The workflow names an endpoint or a key that the host's settings do not allow.</summary>
    public const string EndpointNotAllowed = EndpointPolicy.Code;

    /// <summary>The model alias, its provider or its deployment is unknown.</summary>
    public const string ModelNotFound = "model_not_found";

    /// <summary>The workflow has a cost limit, and the price of one of its models is not known.</summary>
    public const string PriceUnknown = PriceCheck.Code;

    /// <summary>The answer does not fit the agent's output schema, after one repair.</summary>
    public const string OutputInvalid = "output_invalid";

    /// <summary>The answer was cut off at the token limit, and <c>onTruncation</c> says <c>fail</c>.</summary>
    public const string Truncated = "truncated";

    /// <summary>A <c>forEach</c> has more items than <see cref="Definitions.WorkflowLimits.MaxItems"/>.</summary>
    public const string TooManyItems = "too_many_items";

    /// <summary>The agent asked for more rounds of tool calls than its limit.</summary>
    public const string TooManyToolRounds = "too_many_tool_rounds";

    /// <summary>The tool is not registered on this host.</summary>
    public const string ToolNotFound = "tool_not_found";

    /// <summary>The server of the tool could not be started or reached.</summary>
    public const string ToolServerUnavailable = "tool_server_unavailable";

    /// <summary>The tool's arguments do not fit.</summary>
    public const string ToolArgumentsInvalid = "tool_arguments_invalid";

    /// <summary>The tool threw.</summary>
    public const string ToolFailed = "tool_failed";

    /// <summary>A person refused the tool call, or nobody approved it in time.</summary>
    public const string ToolRefused = "tool_refused";

    /// <summary>The tool call may have happened, and the person who was asked about it has let it fail.</summary>
    public const string ToolInDoubt = "tool_in_doubt";

    /// <summary>An expression could not be evaluated.</summary>
    public const string ExpressionError = "expression_error";

    /// <summary>Fewer items of a <c>forEach</c> succeeded than required.</summary>
    public const string TooFewResults = "too_few_results";

    /// <summary>The inputs or the result of an activation are larger than a message may be.</summary>
    public const string PayloadTooLarge = "payload_too_large";

    /// <summary>The model asked for more tool calls at once than the limit.</summary>
    public const string TooManyToolCalls = "too_many_tool_calls";

    /// <summary>A sub-workflow did not complete.</summary>
    public const string WorkflowFailed = "workflow_failed";

    /// <summary>A message was published to a topic that nobody subscribes to.</summary>
    public const string NoSubscriber = "no_subscriber";

    /// <summary>A topic type, a source or a message id is none.</summary>
    public const string TopicInvalid = "topic_invalid";

    /// <summary>The handling of one message publishes more than is sent in one step.</summary>
    public const string TooManyPublished = "too_many_published";

    /// <summary>What is written to a value of the state does not fit its schema or its reducer.</summary>
    public const string StateInvalid = "state_invalid";

    /// <summary>A sum of the state is beyond the range of 64-bit numbers.</summary>
    public const string StateOverflow = "state_overflow";

    /// <summary>The name of a lock is none.</summary>
    public const string LockInvalid = "lock_invalid";

    /// <summary>Too many wait for a lock.</summary>
    public const string LockQueueFull = "lock_queue_full";

    /// <summary>A lock is wanted within an activation that holds some.</summary>
    public const string LockNested = "lock_nested";

    /// <summary>Another error in an activity.</summary>
    public const string ActivityFailed = "activity_failed";
}
