using System.Text;
using Polyphony.Activities.Errors;
using Polyphony.Core.Runs;

namespace Polyphony.Activities.Tests.Errors;

/// <summary>Bodies as servers send them: their words reach the error, and what they mean is recognised under their own names.</summary>
[Trait("Row", "T6")]
public sealed class ServerErrorsTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static TheoryData<string, int, string, string> Shapes => new()
    {
        { "OpenAI", 400, """{"error":{"message":"Unknown parameter: 'x'.","type":"invalid_request_error","param":"x","code":"unknown_parameter"}}""", "HTTP 400, unknown_parameter: Unknown parameter: 'x'." },
        { "vLLM", 400, """{"object":"error","message":"top_p must be in (0, 1], got 7.","type":"BadRequestError","param":null,"code":400}""", "HTTP 400, BadRequestError: top_p must be in (0, 1], got 7." },
        { "vLLM, newer", 400, """{"error":{"message":"top_k must be 0 or more","type":"Bad Request","param":null,"code":400}}""", "HTTP 400: top_k must be 0 or more" },
        { "FastAPI", 401, """{"detail":"Team budget exceeded"}""", "Team budget exceeded" },
        { "FastAPI, list", 422, """{"detail":[{"type":"extra_forbidden","loc":["body","max_completion_tokens"],"msg":"Extra inputs are not permitted","input":"a private text"}]}""", "HTTP 422, extra_forbidden: body.max_completion_tokens: Extra inputs are not permitted" },
        { "Mistral", 422, """{"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","messages",1,"user","name"],"msg":"Extra inputs are not permitted","input":"x"}]},"type":"invalid_request_error","param":null,"code":null}""", "body.messages.1.user.name: Extra inputs are not permitted" },
        { "Mistral, flat", 400, """{"object":"error","message":"Expected last role User or Tool","type":"invalid_request_message_order","param":null,"code":"3230","raw_status_code":400}""", "HTTP 400, 3230: Expected last role User or Tool" },
        { "Gemini", 400, """[{"error":{"code":400,"message":"Invalid JSON payload received.","status":"INVALID_ARGUMENT"}}]""", "HTTP 400, INVALID_ARGUMENT: Invalid JSON payload received." },
        { "LiteLLM", 400, """{"error":{"message":"litellm.BadRequestError: OpenAIException - {\"error\":{\"message\":\"No such tool.\",\"type\":\"invalid_request_error\"}}","type":null,"param":null,"code":"400"}}""", "litellm.BadRequestError: OpenAIException: No such tool." },
        { "LiteLLM, Python", 400, """{"error":{"message":"litellm.APIError: Error code: 400 - {'object': 'error', 'message': \"No such 'tool'.\", 'code': 400}","code":"400"}}""", "litellm.APIError: Error code: 400: No such 'tool'." },
        { "JSON in a string", 500, "\"{\\\"error\\\":{\\\"message\\\":\\\"Out of memory.\\\"}}\"", "HTTP 500: Out of memory." },
        { "OpenRouter", 502, """{"error":{"message":"Provider returned error","code":502,"metadata":{"raw":"{\"error\":{\"message\":\"The engine died.\"}}","provider_name":"X"}},"user_id":"u"}""", "HTTP 502: Provider returned error: The engine died." },
        { "Ollama", 500, """{"error":"model runner has unexpectedly stopped"}""", "HTTP 500: model runner has unexpectedly stopped" },
        { "name and message", 400, """{"error":"invalid_request","message":"The model is asleep."}""", "HTTP 400: The model is asleep." },
        { "errors", 400, """{"errors":[{"message":"No text."},{"message":"No role."}]}""", "HTTP 400: No text.; No role." },
        { "errors as texts", 400, """{"message":"Refused","errors":["No text.","No role."]}""", "HTTP 400: Refused: No text.; No role." },
        { "problem details", 400, """{"type":"about:blank","title":"Bad request","status":400,"detail":"No text."}""", "Bad request: No text." },
        { "problem details of ASP.NET", 400, """{"type":"https://x.example/y","title":"One or more validation errors occurred.","status":400,"errors":{"Model":["The Model field is required."],"Top":["Too big.","Not a number."]}}""", "One or more validation errors occurred: Model: The Model field is required.; Top: Too big.; Not a number." },
        { "errors by member", 400, """{"errors":{"model":["is unknown"],"top":"too big","code":"x1"}}""", "HTTP 400, x1: model: is unknown; top: too big" },
        { "Azure, inner", 400, """{"error":{"code":"BadRequest","message":"Invalid.","innererror":{"code":"X","message":"The region is closed."}}}""", "HTTP 400, BadRequest: Invalid: The region is closed." },
        { "problem without a type", 503, """{"type":"about:blank","title":"Busy"}""", "HTTP 503: Busy" },
        { "Apigee", 500, """{"fault":{"faultstring":"Execution of ServiceCallout failed","detail":{"errorcode":"steps.servicecallout.ExecutionFailed"}}}""", "HTTP 500, steps.servicecallout.ExecutionFailed: Execution of ServiceCallout failed" },
        { "API Management", 404, """{ "statusCode": 404, "message": "Resource not found" }""", "HTTP 404: Resource not found" },
        { "API Management, XML", 404, "<?xml version=\"1.0\"?><error><code>404</code><message>Resource &amp; more not found</message></error>", "HTTP 404: Resource & more not found" },
        { "SOAP", 500, "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body><s:Fault><faultcode>s:Server</faultcode><faultstring>Queue is full</faultstring></s:Fault></s:Body></s:Envelope>", "HTTP 500, s:Server: Queue is full" },
        { "XML with entities", 500, "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/hostname\">]><error><message>&x;</message></error>", "HTTP 500: " },
        { "page", 403, "<html><head><title>Corporate Proxy: access denied</title></head><body>…</body></html>", "HTTP 403: Corporate Proxy: access denied" },
        { "nginx", 502, "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>", "HTTP 502: 502 Bad Gateway nginx" },
        { "page without title", 503, "<!DOCTYPE html><html><head><style>p{color:red}</style></head><body><script>var a='<b>'</script><p>We are&nbsp;away</p></body></html>", "HTTP 503: We are away" },
        { "plain", 500, "Internal error: CUDA out of memory", "HTTP 500: Internal error: CUDA out of memory" },
        { "plain around JSON", 500, "upstream said: {\"message\":\"CUDA out of memory\"}", "HTTP 500: upstream said: CUDA out of memory" },
        { "event", 500, "event: error\ndata: {\"error\":{\"message\":\"Overloaded\"}}\n\n", "HTTP 500: Overloaded" },
        { "byte order mark", 400, "\uFEFF{\"error\":{\"message\":\"No text.\"}}", "HTTP 400: No text." },
        { "unknown words", 400, """{"problem":"no text"}""", "HTTP 400: {\"problem\":\"no text\"}" },
        { "half JSON", 400, """{"error":{"message":"No te""", "HTTP 400: No te" },
        { "half JSON without words", 400, """{"problem":{"why":"No te""", "HTTP 400: {\"problem\":{\"why\":\"No te" },
        { "half a pair", 400, """{"error":{"message":"No \ud83d text","code":"a\ud83db"}}""", "HTTP 400" },
        { "nothing", 503, "", "HTTP 503: Service Unavailable (the body has no message)" },
        { "empty object", 503, "{}", "HTTP 503: Service Unavailable (the body has no message)" },
        { "null", 503, "null", "HTTP 503: Service Unavailable (the body has no message)" },
        { "null members", 503, """{"error":{"message":null,"code":null}}""", "HTTP 503" },
        { "no text at all", 400, "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", "HTTP 400" },
    };

    [Theory]
    [MemberData(nameof(Shapes), DisableDiscoveryEnumeration = true)]
    public void Classify_Body_SaysWhatTheServerSays(string name, int status, string body, string says)
    {
        var error = Classify(status, body);

        Assert.True(error.Message.Contains(says, StringComparison.Ordinal), $"{name}: {error.Message}");
        Assert.DoesNotContain("private", error.Message, StringComparison.Ordinal);
    }

    public static TheoryData<int, string, string, ErrorKind> Meanings => new()
    {
        // Too long.
        { 400, """{"object":"error","message":"This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (4900 in the messages, 100 in the completion).","type":"BadRequestError","param":null,"code":400}""", ErrorCodes.ContextTooLong, ErrorKind.Terminal },
        { 400, """{"object":"error","message":"The decoder prompt (length 5000) is longer than the maximum model length of 4096.","type":"BadRequestError","code":400}""", ErrorCodes.ContextTooLong, ErrorKind.Terminal },
        { 400, """{"error":{"code":400,"message":"the request exceeds the available context size. try increasing the context size or enable context shift","type":"exceed_context_size_error","n_prompt_tokens":5000,"n_ctx":4096}}""", ErrorCodes.ContextTooLong, ErrorKind.Terminal },
        { 500, """{"error":{"code":500,"message":"Context size has been exceeded.","type":"server_error"}}""", ErrorCodes.ContextTooLong, ErrorKind.Terminal },
        { 400, """{"error":{"message":"litellm.ContextWindowExceededError: litellm.BadRequestError: prompt is too long: 209303 tokens > 200000 maximum","type":null,"param":null,"code":"400"}}""", ErrorCodes.ContextTooLong, ErrorKind.Terminal },
        { 400, """[{"error":{"code":400,"message":"The input token count (1196265) exceeds the maximum number of tokens allowed (1048575).","status":"INVALID_ARGUMENT"}}]""", ErrorCodes.ContextTooLong, ErrorKind.Terminal },
        { 400, """{"error":{"message":"Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in 509178 tokens.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}""", ErrorCodes.ContextTooLong, ErrorKind.Terminal },
        { 400, """{"error":"prompt too long; exceeded max context length by 4 tokens"}""", ErrorCodes.ContextTooLong, ErrorKind.Terminal },
        { 400, """{"error":"the input length exceeds the context length"}""", ErrorCodes.ContextTooLong, ErrorKind.Terminal },
        { 400, """{"object":"error","message":"Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length","type":"invalid_request_prompt","param":null,"code":"3051"}""", ErrorCodes.ContextTooLong, ErrorKind.Terminal },
        { 400, """{"error":"Trying to keep the first 111490 tokens when context the overflows. However, the model is loaded with context length of only 32768 tokens"}""", ErrorCodes.ContextTooLong, ErrorKind.Terminal },
        { 400, """{"type":"error","error":{"type":"invalid_request_error","message":"input length and `max_tokens` exceed context limit: 199000 + 8000 > 200000"}}""", ErrorCodes.ContextTooLong, ErrorKind.Terminal },
        { 400, """{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 209303 tokens > 200000 maximum"}}""", ErrorCodes.ContextTooLong, ErrorKind.Terminal },
        { 400, """{"error":{"message":"Please reduce the length of the messages or completion.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}""", ErrorCodes.ContextTooLong, ErrorKind.Terminal },
        { 400, """{"error":{"message":"This endpoint's maximum context length is 32768 tokens. However, you requested about 40000 tokens","code":400}}""", ErrorCodes.ContextTooLong, ErrorKind.Terminal },
        { 400, """{"error":{"message":"Provider returned error","code":400,"metadata":{"raw":"{\"error\":{\"message\":\"This model's maximum prompt length is 131072 but the request contains 537812 tokens.\"}}","provider_name":"xAI"}}}""", ErrorCodes.ContextTooLong, ErrorKind.Terminal },
        { 413, """{"error":{"code":"tokens_limit_reached","message":"Request body too large for gpt-4o model. Max size: 8000 tokens."}}""", ErrorCodes.ContextTooLong, ErrorKind.Terminal },
        { 413, "<html><head><title>413 Request Entity Too Large</title></head></html>", ErrorCodes.ContextTooLong, ErrorKind.Terminal },
        { 429, """{"error":{"message":"Request too large for gpt-4.1 in organization o on tokens per min (TPM): Limit 30000, Requested 51000. The input or output tokens must be reduced in order to run successfully.","type":"tokens","code":"rate_limit_exceeded"}}""", ErrorCodes.ContextTooLong, ErrorKind.Terminal },
        { 400, """{"error":{"message":"max_tokens is too large: 200000. This model supports at most 16384 completion tokens.","type":"invalid_request_error","param":"max_tokens","code":"invalid_value"}}""", ErrorCodes.BadRequest, ErrorKind.Terminal },

        // Filtered.
        { 400, """{"error":{"message":"Content Exists Risk","type":"invalid_request_error","param":null,"code":"invalid_request_error"}}""", ErrorCodes.ContentFilter, ErrorKind.Terminal },
        { 400, """{"error":{"message":"litellm.ContentPolicyViolationError: AzureException - The response was filtered","type":null,"code":"400"}}""", ErrorCodes.ContentFilter, ErrorKind.Terminal },
        { 403, """{"error":{"code":403,"message":"Your input was flagged","metadata":{"reasons":["violence"],"flagged_input":"a private text"}}}""", ErrorCodes.Authentication, ErrorKind.Terminal },
        { 403, """{"error":{"code":403,"message":"openai/gpt-4o requires moderation on OpenAI. Your input was flagged for \"violence\"","metadata":{"reasons":["violence"]}}}""", ErrorCodes.ContentFilter, ErrorKind.Terminal },
        { 400, """{"error":{"code":"data_inspection_failed","message":"Input data may contain inappropriate content.","type":"invalid_request_error"}}""", ErrorCodes.ContentFilter, ErrorKind.Terminal },

        // Quota and rates.
        { 429, """{"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}""", ErrorCodes.RateLimited, ErrorKind.Terminal },
        { 402, """{"error":{"message":"Insufficient Balance","type":"unknown_error","param":null,"code":"invalid_request_error"}}""", ErrorCodes.RateLimited, ErrorKind.Terminal },
        { 402, """{"error":{"code":402,"message":"This request requires more credits, or fewer max_tokens."}}""", ErrorCodes.RateLimited, ErrorKind.Terminal },
        { 400, """{"error":{"message":"Budget has been exceeded! Current cost: 10.2, Max budget: 10.0","type":"budget_exceeded","param":null,"code":"400"}}""", ErrorCodes.RateLimited, ErrorKind.Terminal },
        { 401, """{"detail":"Team budget exceeded"}""", ErrorCodes.RateLimited, ErrorKind.Terminal },
        { 400, """{"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the API."}}""", ErrorCodes.RateLimited, ErrorKind.Terminal },
        { 429, """[{"error":{"code":429,"message":"You exceeded your current quota, please check your plan and billing details.","status":"RESOURCE_EXHAUSTED"}}]""", ErrorCodes.RateLimited, ErrorKind.RateLimited },
        { 429, """{"error":{"message":"No deployments available for selected model, Try again in 5 seconds.","type":"None","code":"429"}}""", ErrorCodes.RateLimited, ErrorKind.RateLimited },
        { 403, """{ "statusCode": 403, "message": "Out of call volume quota. Quota will be replenished in 00:20:10." }""", ErrorCodes.RateLimited, ErrorKind.RateLimited },
        { 403, """{ "statusCode": 403, "message": "Out of call volume quota. Quota will be replenished in 3.02:20:10." }""", ErrorCodes.RateLimited, ErrorKind.Terminal },
        { 498, """{"error":{"message":"Flex tier capacity exceeded","type":"capacity_exceeded"}}""", ErrorCodes.ProviderUnavailable, ErrorKind.Transient },
        { 503, """[{"error":{"code":503,"message":"The model is overloaded. Please try again later.","status":"UNAVAILABLE"}}]""", ErrorCodes.ProviderUnavailable, ErrorKind.Transient },

        // Keys and models.
        { 400, """[{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}]}}]""", ErrorCodes.Authentication, ErrorKind.Terminal },
        { 401, """{ "statusCode": 401, "message": "Access denied due to missing subscription key." }""", ErrorCodes.Authentication, ErrorKind.Terminal },
        { 404, """{"error":{"message":"model \"llama9\" not found, try pulling it first","type":"api_error","param":null,"code":null}}""", ErrorCodes.ModelNotFound, ErrorKind.Terminal },
        { 400, """{"error":{"message":"Model Not Exist","type":"invalid_request_error","param":null,"code":"invalid_request_error"}}""", ErrorCodes.ModelNotFound, ErrorKind.Terminal },
        { 400, """{"object":"error","message":"Invalid model: mistral-huge","type":"invalid_model","param":null,"code":"1500"}""", ErrorCodes.ModelNotFound, ErrorKind.Terminal },
        { 400, """{"error":{"message":"The model `llama-2` has been decommissioned","type":"invalid_request_error","code":"model_decommissioned"}}""", ErrorCodes.ModelNotFound, ErrorKind.Terminal },
    };

    [Theory]
    [MemberData(nameof(Meanings), DisableDiscoveryEnumeration = true)]
    public void Classify_Body_MeansWhatTheServerMeans(int status, string body, string code, ErrorKind kind)
    {
        var error = Classify(status, body);

        Assert.Equal((body, code, kind), (body, error.Code, error.Kind));
    }

    public static TheoryData<string, string, long?> BodyWaits => new()
    {
        { """[{"error":{"code":429,"message":"Quota.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaId":"x"}]},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"4.5s"}]}}]""", "", 4500 },
        { """{"error":{"details":[{"retryDelay":{"seconds":"3","nanos":250000000}}]}}""", "", 3250 },
        { """{"error":{"message":"Rate limit reached for m. Limit 30000, Used 29000, Requested 2000. Please try again in 4.5s."}}""", "", 4500 },
        { """{"error":{"message":"Rate limit reached for m. Please try again in 250ms."}}""", "", 250 },
        { """{"error":{"message":"Rate limit reached. Please try again in 1m26.4s. Need more tokens? Upgrade."}}""", "", 86_400 },
        { """{"error":{"message":"Please retry after 26 seconds."}}""", "", 26_000 },
        { """{"error":{"message":"Please retry after 12."}}""", "", 12_000 },
        { """{"error":{"message":"Slow down, wait 2 minutes."}}""", "", 120_000 },
        { """{"error":{"message":"Rate limited","metadata":{"raw":"Please retry in 8 seconds"}}}""", "", 8000 },
        { """{"error":{"message":"slow","retry_after":7}}""", "", 7000 },
        { """{"error":{"message":"slow"},"retry_after_ms":"1500"}""", "", 1500 },
        { """{"retryAfter":"2.5"}""", "", 2500 },
        { """{"statusCode":429,"message":"Rate limit is exceeded. Try again in 7 seconds."}""", "retry-after: 1", 7000 },
        { """{"error":{"message":"Try again in 2s."}}""", "retry-after: 9", 9000 },
        { """{"error":{"message":"slow"}}""", "date: Thu, 01 Jan 2026 10:00:00 GMT|retry-after: Thu, 01 Jan 2026 10:00:20 GMT", 20_000 },
        { """{"error":{"message":"slow"}}""", "x-ratelimit-reset-requests: 120ms|x-ratelimit-reset-tokens: 6s", 6000 },
        { """{"error":{"message":"slow"}}""", "x-ratelimit-reset-requests: 8m|x-ratelimit-remaining-requests: 12|x-ratelimit-reset-tokens: 6s|x-ratelimit-remaining-tokens: 0", 6000 },
        { """{"error":{"message":"slow"}}""", "x-ratelimit-reset: 1767225612000|x-ratelimit-remaining: 0", 12_000 },
        { """{"error":{"message":"slow"}}""", "anthropic-ratelimit-tokens-reset: 2026-01-01T00:00:30Z", 30_000 },
        { """{"error":{"message":"Try again in 3 days."}}""", "", 3_600_000 },
        { """{"error":{"message":"You may retry 3 times; the model has 4096 tokens."}}""", "", null },
        { """{"error":{"message":"Try again later."}}""", "", null },
        { """{"error":{"message":"slow","retry_after":null}}""", "", null },
        { """{"error":{"message":"slow","retryDelay":{"seconds":"soon"}}}""", "", null },
    };

    [Theory]
    [Trait("Row", "C4")]
    [MemberData(nameof(BodyWaits), DisableDiscoveryEnumeration = true)]
    public void Classify_WaitInBodyOrLimits_Counts(string body, string headers, long? wait)
    {
        var sent = headers.Split('|', StringSplitOptions.RemoveEmptyEntries).Select(header => header.Split(": ", 2)).ToDictionary(header => header[0], header => header[1], StringComparer.OrdinalIgnoreCase);

        var error = HttpErrors.Classify(HttpFailure.Read(429, Encoding.UTF8.GetBytes(body), sent.GetValueOrDefault, Redaction.None), Now);

        Assert.Equal((body, wait), (body, error.RetryAfterMs));
    }

    [Fact]
    [Trait("Row", "C4")]
    public void Classify_LimitHeadersOf503_AreNoWait() =>
        Assert.Null(HttpErrors.Classify(HttpFailure.Read(503, [], name => name == "x-ratelimit-reset" ? "6s" : null, Redaction.None), Now).RetryAfterMs);

    [Fact]
    public void Classify_LongMessage_IsCutBetweenCharactersAndHasNoControlCharacters()
    {
        var error = Classify(400, $$$"""{"error":{"message":"a\u001b[31m\nb\u202e\u200f{{{string.Concat(Enumerable.Repeat("😀", 400))}}}"}}""");

        Assert.StartsWith("HTTP 400: a [31m b😀😀", error.Message, StringComparison.Ordinal);
        Assert.EndsWith("😀…", error.Message, StringComparison.Ordinal);
        Assert.InRange(error.Message.Length, 400, 520);
        Assert.DoesNotContain('\uFFFD', error.Message);
    }

    [Fact]
    public void Classify_DeepAndLargeBodies_AreRead()
    {
        var deep = string.Concat(Enumerable.Repeat("""{"error":""", 5000));
        var wide = $$$"""{"error":{"message":"wide","data":[{{{string.Join(',', Enumerable.Repeat("""{"code":"x"}""", 100_000))}}}]}}""";
        var braces = new string('{', 200_000);

        Assert.StartsWith("HTTP 400", Classify(400, deep).Message, StringComparison.Ordinal);
        Assert.EndsWith(": wide", Classify(400, wide).Message, StringComparison.Ordinal);
        Assert.StartsWith("HTTP 400", Classify(400, braces).Message, StringComparison.Ordinal);
    }

    private static CallError Classify(int status, string body) =>
        HttpErrors.Classify(HttpFailure.Read(status, Encoding.UTF8.GetBytes(body), _ => null, Redaction.None, status == 503 ? "Service Unavailable" : null), Now);
}
