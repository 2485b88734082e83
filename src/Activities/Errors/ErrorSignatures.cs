using System.Text.RegularExpressions;

namespace Polyphony.Activities.Errors;

/// <summary>
/// The names and wordings by which servers say the same thing. A name is a code, type, status or reason of the body, or a word of the message, because gateways quote the errors of
/// others in texts.
/// </summary>
internal static partial class ErrorSignatures
{
    /// <summary>The request has more tokens than the model or its server takes.</summary>
    public static bool IsContextTooLong(HttpFailure failure) => Matches(failure, ContextTooLong());

    /// <summary>The request alone is larger than what a minute allows, so that no wait helps.</summary>
    public static bool IsAboveTheLimit(HttpFailure failure) => AboveTheLimit().IsMatch(failure.Message);

    /// <summary>Refused for what it says.</summary>
    public static bool IsFiltered(HttpFailure failure) => Matches(failure, Filtered());

    /// <summary>No money or allowance is left: no wait that makes sense helps.</summary>
    public static bool IsOutOfQuota(HttpFailure failure) =>
        failure.Names.Any(name => QuotaNames().IsMatch(name))
        || (QuotaWords().IsMatch(failure.Message) && !failure.Names.Contains("RESOURCE_EXHAUSTED", StringComparer.Ordinal));

    /// <summary>An allowance that is renewed by itself is used up, as the quota policies of API gateways say with 403.</summary>
    public static bool IsOutOfCalls(HttpFailure failure) => CallVolume().IsMatch(failure.Message);

    /// <summary>The key or identity is wrong, under another status than 401 or 403.</summary>
    public static bool IsUnauthenticated(HttpFailure failure) => Matches(failure, Unauthenticated());

    /// <summary>The model does not exist, under another status than 404.</summary>
    public static bool IsUnknownModel(HttpFailure failure) => Matches(failure, UnknownModel());

    private static bool Matches(HttpFailure failure, Regex pattern) => pattern.IsMatch(failure.Message) || failure.Names.Any(pattern.IsMatch);

    private const RegexOptions Options = RegexOptions.NonBacktracking | RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture;

    // OpenAI, Azure, vLLM, DeepSeek, OpenRouter: "maximum context length"; llama.cpp: exceed_context_size_error, "exceeds the available context size", "Context size has been exceeded";
    // LiteLLM: ContextWindowExceededError; Gemini: "The input token count (N) exceeds the maximum number of tokens allowed"; Anthropic: "prompt is too long"; Bedrock: "Input is too
    // long for requested model"; Ollama: "exceeded max context length", "input length exceeds the context length"; LM Studio: "when context the overflows", "greater than the context
    // length"; Mistral: "too large for model with N maximum context length"; xAI: "maximum prompt length is N"; Groq: "reduce the length of the messages"; SGLang: "longer than the
    // model's context length"; TGI: "`inputs` tokens + `max_new_tokens` must be <= N"; GitHub: tokens_limit_reached; DashScope: "Range of input length should be".
    [GeneratedRegex(
        @"context_length_exceeded|string_above_max_length|exceed_context_size|contextwindowexceeded|context_window_exceeded|tokens_limit_reached|request_too_large|maximum (context|prompt|model|input|sequence) length|max context length|context (length|window|size) (has been |is |was |of the model )?(exceed|overflow|too)|exceeds? (the |this |its |your )?(model'?s? |available |maximum |max |allowed |configured )*(context|token limit)|(greater|longer|larger|more) than the (model'?s? |maximum |max )*(context|model length)|context the overflows|context overflow|(prompt|input|inputs|messages|conversation|request) (is|are) too (long|large)|prompt too long|(input|prompt) (token count|tokens|length)[^.]*exceed|input tokens exceed|tokens? exceeds? the (configured |maximum )?(limit|number)|exceeded (this )?model (context|token)|exceeded model token limit|reduce the length of the|reached context length|`?max_new_tokens`? must be <=|range of input length|too many (input |prompt )?tokens( in|:|,| for| \()|context window limit|model context (window|limit)",
        Options)]
    private static partial Regex ContextTooLong();

    [GeneratedRegex(@"request too large for|(input|output) tokens must be reduced|reduce your message size", Options)]
    private static partial Regex AboveTheLimit();

    [GeneratedRegex(
        @"\b(content_filter(ed)?|content_policy_violation|contentpolicyviolation(error)?|responsibleaipolicyviolation|content_filtering|data_inspection_failed|prohibited_content|content_blocked|moderation_blocked|safety_violation)\b|content management policy|content filter(ing)? policy|content policy violation|content exists risk|violates? (the |our )?(usage|content) (guidelines|polic)|inappropriate content|flagged (for|as)\b|blocked (by|due to|for) (our |the )?(safety|content)|requires moderation",
        Options)]
    private static partial Regex Filtered();

    [GeneratedRegex(
        @"^(insufficient_(user_)?quota|insufficient_(balance|credits?|funds)|billing_(hard_limit_reached|not_active|error)|budget_?exceeded(error)?|exceeded_current_quota_error|account_quota_exceeded|payment_required|credit_balance_too_low)$",
        Options)]
    private static partial Regex QuotaNames();

    [GeneratedRegex(
        @"\binsufficient_quota\b|insufficient (account )?(balance|credits?|funds)|credit balance is too low|budget (has been )?exceeded|exceeded your current quota, please check your plan|requires more credits|out of credits|no credits|quota (is |has been )?(exhausted|used up)|billing (hard )?limit",
        Options)]
    private static partial Regex QuotaWords();

    [GeneratedRegex("out of call volume quota|quota will be replenished", Options)]
    private static partial Regex CallVolume();

    [GeneratedRegex(
        @"\b(api_key_invalid|invalid_api_key|invalid_authentication(_error)?|authentication_error|authenticationerror|unauthenticated)\b|api key (is )?(not valid|invalid)|invalid api key|incorrect api key|missing api key|no api key",
        Options)]
    private static partial Regex Unauthenticated();

    [GeneratedRegex(
        @"\b(model_not_found|model_not_available|invalid_model|model_decommissioned|deploymentnotfound|unknown_model)\b|model not exist|model does not exist|is not a valid model|invalid model( name)?\b|no such model|model `[^`]*` does not exist|unknown model",
        Options)]
    private static partial Regex UnknownModel();
}
