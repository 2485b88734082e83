namespace Polyphony.Http.Problems;

/// <summary>The codes of problems that requests are answered with. <see cref="ProblemTable"/> has their statuses, <see cref="RouteProblems"/> says which route answers with which.</summary>
internal static class ProblemCodes
{
    /// <summary>A body or a value in it is not what is expected.</summary>
    public const string InvalidRequest = "invalid_request";

    /// <summary>The body is not JSON, or nested too deeply.</summary>
    public const string InvalidJson = "invalid_json";

    /// <summary>The body has a field that is not known.</summary>
    public const string UnknownField = "unknown_field";

    /// <summary>A query parameter or a header has a value that is not expected.</summary>
    public const string InvalidParameter = "invalid_parameter";

    /// <summary>An id that no instance can have.</summary>
    public const string InstanceIdInvalid = "instance_id_invalid";

    /// <summary>The input does not fit the workflow's schema.</summary>
    public const string InputInvalid = "input_invalid";

    /// <summary>The answer does not fit the schema of its question.</summary>
    public const string AnswerInvalid = "answer_invalid";

    /// <summary>The continuation token was not issued by a list.</summary>
    public const string InvalidContinuationToken = "invalid_continuation_token";

    /// <summary>The body is larger than allowed.</summary>
    public const string BodyTooLarge = "body_too_large";

    /// <summary>A value is larger than its store allows.</summary>
    public const string PayloadTooLarge = "payload_too_large";

    /// <summary>The body is not declared as JSON.</summary>
    public const string UnsupportedMediaType = "unsupported_media_type";

    /// <summary>The path has no such method.</summary>
    public const string MethodNotAllowed = "method_not_allowed";

    /// <summary>There is no such path.</summary>
    public const string NotFound = "not_found";

    /// <summary>There is no such workflow.</summary>
    public const string WorkflowNotFound = "workflow_not_found";

    /// <summary>The workflow has no such schedule.</summary>
    public const string ScheduleNotFound = "schedule_not_found";

    /// <summary>No host has taken the schedule up yet.</summary>
    public const string ScheduleNotStarted = "schedule_not_started";

    /// <summary>There is no such instance.</summary>
    public const string InstanceNotFound = "instance_not_found";

    /// <summary>The workflow has no nodes of its own: messages start it.</summary>
    public const string WorkflowNotStartable = "workflow_not_startable";

    /// <summary>A topic type, a source or a message id is none.</summary>
    public const string TopicInvalid = "topic_invalid";

    /// <summary>Nobody subscribes to the topic.</summary>
    public const string NoSubscriber = "no_subscriber";

    /// <summary>No agent of this name, or more than one, takes messages.</summary>
    public const string SessionNotFound = "session_not_found";

    /// <summary>There is no such mailbox.</summary>
    public const string MailboxNotFound = "mailbox_not_found";

    /// <summary>The mailbox has no such dead letter.</summary>
    public const string DeadLetterNotFound = "dead_letter_not_found";

    /// <summary>A mailbox never ends.</summary>
    public const string MailboxNeverEnds = "mailbox_never_ends";

    /// <summary>What keeps a lock is not terminated.</summary>
    public const string LockInUse = "lock_in_use";

    /// <summary>The question is not, or no longer, open.</summary>
    public const string QuestionNotFound = "question_not_found";

    /// <summary>The API key is missing or wrong.</summary>
    public const string Unauthorized = "unauthorized";

    /// <summary>The Host header names another host than this one.</summary>
    public const string HostNotAllowed = "host_not_allowed";

    /// <summary>The request comes from a page of another site.</summary>
    public const string OriginNotAllowed = "origin_not_allowed";

    /// <summary>The id is another instance's.</summary>
    public const string InstanceExists = "instance_exists";

    /// <summary>The idempotency key was used with another body.</summary>
    public const string IdempotencyKeyReused = "idempotency_key_reused";

    /// <summary>The instance's status does not allow what is asked for.</summary>
    public const string InvalidStatus = "invalid_status";

    /// <summary>A value is no longer stored.</summary>
    public const string PayloadNotFound = "payload_not_found";

    /// <summary>This host does not accept inline definitions.</summary>
    public const string InlineDefinitionsDisabled = "inline_definitions_disabled";

    /// <summary>The workflow has problems.</summary>
    public const string WorkflowInvalid = "workflow_invalid";

    /// <summary>The body did not arrive in time.</summary>
    public const string RequestTimeout = "request_timeout";

    /// <summary>As many instances are unfinished as the host allows.</summary>
    public const string QueueFull = "queue_full";

    /// <summary>The host is starting or stopping.</summary>
    public const string NotReady = "not_ready";

    /// <summary>The engine has stopped.</summary>
    public const string EngineStopped = "engine_stopped";

    /// <summary>Every connection that the host can hold is in use.</summary>
    public const string TooManyConnections = "too_many_connections";

    /// <summary>The request bodies that are being read take up all the space for them.</summary>
    public const string TooManyUploads = "too_many_uploads";

    /// <summary>The instance is stored in a damaged part of the data file.</summary>
    public const string InstanceDamaged = "instance_damaged";

    /// <summary>The data file is damaged.</summary>
    public const string DataFileCorrupt = "data_file_corrupt";

    /// <summary>There is no space on the disk.</summary>
    public const string DataFileFull = "data_file_full";

    /// <summary>Another process has locked the data file.</summary>
    public const string DataFileLocked = "data_file_locked";

    /// <summary>The data file cannot be written.</summary>
    public const string DataFileReadOnly = "data_file_read_only";

    /// <summary>The data file was deleted or moved.</summary>
    public const string DataFileGone = "data_file_gone";

    /// <summary>The data file could not be read or written.</summary>
    public const string DataFileFailed = "data_file_failed";

    /// <summary>An unexpected error in this host.</summary>
    public const string InternalError = "internal_error";
}
