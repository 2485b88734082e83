namespace Polyphony.Http.Problems;

/// <summary>The codes of problems that arise in HTTP itself; the others are those of the exceptions of Core and the engine.</summary>
public static class ProblemCodes
{
    /// <summary>A body or a value in it is not what is expected.</summary>
    public const string InvalidRequest = "invalid_request";

    /// <summary>The body is not JSON, or nested too deeply.</summary>
    public const string InvalidJson = "invalid_json";

    /// <summary>The body has a field that is not known.</summary>
    public const string UnknownField = "unknown_field";

    /// <summary>A query parameter or a header has a value that is not expected.</summary>
    public const string InvalidParameter = "invalid_parameter";

    /// <summary>The body is larger than allowed.</summary>
    public const string BodyTooLarge = "body_too_large";

    /// <summary>The body is not declared as JSON.</summary>
    public const string UnsupportedMediaType = "unsupported_media_type";

    /// <summary>The path has no such method.</summary>
    public const string MethodNotAllowed = "method_not_allowed";

    /// <summary>There is no such path.</summary>
    public const string NotFound = "not_found";

    /// <summary>The instance does not ask this question, or not any more.</summary>
    public const string QuestionNotFound = "question_not_found";

    /// <summary>The API key is missing or wrong.</summary>
    public const string Unauthorized = "unauthorized";

    /// <summary>The Host header names another host than this one.</summary>
    public const string HostNotAllowed = "host_not_allowed";

    /// <summary>The request comes from a page of another site.</summary>
    public const string OriginNotAllowed = "origin_not_allowed";

    /// <summary>The idempotency key was used with another body.</summary>
    public const string IdempotencyKeyReused = "idempotency_key_reused";

    /// <summary>This host does not take workflows from callers.</summary>
    public const string InlineDefinitionsDisabled = "inline_definitions_disabled";

    /// <summary>The body did not arrive in time.</summary>
    public const string RequestTimeout = "request_timeout";

    /// <summary>The host is starting or stopping.</summary>
    public const string NotReady = "not_ready";

    /// <summary>Something went wrong in this host.</summary>
    public const string InternalError = "internal_error";
}
