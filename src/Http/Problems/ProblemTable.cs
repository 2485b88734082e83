using Polyphony.Core.Client;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;

namespace Polyphony.Http.Problems;

/// <summary>The one table from codes to HTTP statuses and titles.</summary>
internal static class ProblemTable
{
    private static readonly Dictionary<string, (int Status, string Title)> Table = new(StringComparer.Ordinal)
    {
        [ProblemCodes.InvalidRequest] = (400, "The request is not valid"),
        [ProblemCodes.InvalidJson] = (400, "The body is not valid JSON"),
        [ProblemCodes.UnknownField] = (400, "The body has an unknown field"),
        [ProblemCodes.InvalidParameter] = (400, "A parameter is not valid"),
        [ProblemCodes.InstanceIdInvalid] = (400, "The instance id is not valid"),
        [ProblemCodes.InputInvalid] = (400, "The input does not fit the workflow's schema"),
        [ProblemCodes.AnswerInvalid] = (400, "The answer does not fit its schema"),
        [ProblemCodes.InvalidContinuationToken] = (400, "The continuation token is not valid"),
        [ProblemCodes.TopicInvalid] = (400, "The topic, the source or the message id is not valid"),
        [ProblemCodes.Unauthorized] = (401, "An API key is required"),
        [ProblemCodes.HostNotAllowed] = (403, "The host name is not allowed"),
        [ProblemCodes.OriginNotAllowed] = (403, "The origin is not allowed"),
        [ProblemCodes.InlineDefinitionsDisabled] = (403, "Inline definitions are not allowed"),
        [EndpointPolicy.Code] = (403, "The host's settings do not allow an endpoint of the workflow"),
        [ProblemCodes.NotFound] = (404, "There is no such path"),
        [ProblemCodes.QuestionNotFound] = (404, "There is no such question"),
        [ProblemCodes.WorkflowNotFound] = (404, "There is no such workflow"),
        [ProblemCodes.ScheduleNotFound] = (404, "There is no such schedule"),
        [ProblemCodes.InstanceNotFound] = (404, "There is no such instance"),
        [ProblemCodes.NoSubscriber] = (404, "Nobody subscribes to the topic"),
        [ProblemCodes.SessionNotFound] = (404, "There is no such agent to speak to"),
        [ProblemCodes.MailboxNotFound] = (404, "There is no such mailbox"),
        [ProblemCodes.DeadLetterNotFound] = (404, "There is no such dead letter"),
        [ProblemCodes.MethodNotAllowed] = (405, "The path does not have this method"),
        [ProblemCodes.RequestTimeout] = (408, "The request took too long"),
        [ProblemCodes.InstanceExists] = (409, "The instance exists already"),
        [ProblemCodes.IdempotencyKeyReused] = (409, "The idempotency key was used with another request"),
        [ProblemCodes.ScheduleNotStarted] = (409, "No host has taken the schedule up yet"),
        [ProblemCodes.InvalidStatus] = (409, "The instance's status does not allow this"),
        [ProblemCodes.WorkflowNotStartable] = (409, "The workflow runs when messages come"),
        [ProblemCodes.MailboxNeverEnds] = (409, "A mailbox never ends"),
        [ProblemCodes.LockInUse] = (409, "A lock is in use"),
        [ProblemCodes.PayloadNotFound] = (410, "A value is no longer stored"),
        [ProblemCodes.BodyTooLarge] = (413, "The body is too large"),
        [ProblemCodes.PayloadTooLarge] = (413, "A value is too large"),
        [ProblemCodes.UnsupportedMediaType] = (415, "The body must be JSON"),
        [ProblemCodes.WorkflowInvalid] = (422, "The workflow is not valid"),
        [ProblemCodes.QueueFull] = (429, "Too many instances are unfinished"),
        [ProblemCodes.InternalError] = (500, "Something went wrong in this host"),
        [ProblemCodes.InstanceDamaged] = (500, "The instance is stored in a damaged part of the data file"),
        [ProblemCodes.DataFileCorrupt] = (500, "The data file is damaged"),
        [ProblemCodes.DataFileFull] = (503, "There is no space on the disk"),
        [ProblemCodes.DataFileLocked] = (503, "Another process holds the data file"),
        [ProblemCodes.DataFileReadOnly] = (503, "The data file cannot be written"),
        [ProblemCodes.DataFileGone] = (503, "The data file is missing"),
        [ProblemCodes.DataFileFailed] = (503, "The data file cannot be used"),
        [ProblemCodes.TooManyConnections] = (503, "The host has too many connections"),
        [ProblemCodes.TooManyUploads] = (503, "The host is reading too many request bodies"),
        [ProblemCodes.NotReady] = (503, "The host is not ready"),
        [ProblemCodes.EngineStopped] = (503, "The host is stopping"),
    };

    /// <summary>Gets the codes that requests may be answered with.</summary>
    internal static IReadOnlyCollection<string> Codes => Table.Keys;

    /// <summary>Finds the status of a code.</summary>
    /// <param name="code">The code; one of the table.</param>
    /// <returns>The HTTP status.</returns>
    internal static int StatusOf(string code) => Table[code].Status;

    /// <summary>Describes an exception. An unexpected exception reveals nothing of the inside.</summary>
    /// <param name="exception">The exception.</param>
    /// <param name="path">The path of the request.</param>
    /// <returns>The problem.</returns>
    public static ProblemDocument Describe(Exception exception, string? path) => exception switch
    {
        RequestProblemException problem => Create(problem.Code, problem.Message, path, problem.Errors),
        SchemaViolationException violation => Create(
            violation.Code, violation.Message, path, [.. violation.Violations.Select(each => new ProblemItem(each.Message, each.Code, each.Pointer))]),
        WorkflowInvalidException invalid => Create(
            invalid.Code,
            "The workflow has problems; they are listed.",
            path,
            [.. invalid.Problems.Select(Item)]),
        EndpointNotAllowedException refused => Create(
            refused.Code, "The workflow names endpoints that the host's settings do not allow; they are listed.", path, [.. refused.Problems.Select(Item)]),

        // Acting on a finished instance is "gone", as in Durable Functions; anything else that its status forbids is a conflict.
        InvalidInstanceStatusException status => Create(status.Code, status.Message, path) with
        {
            Status = status.Status is OrchestrationRuntimeStatus.Completed or OrchestrationRuntimeStatus.Failed or OrchestrationRuntimeStatus.Terminated ? 410 : 409,
        },
        PolyphonyException known when Table.ContainsKey(known.Code) => Create(known.Code, known.Message, path),
        _ => Create(ProblemCodes.InternalError, "The request failed in this host; its log has the details.", path),
    };

    private static ProblemItem Item(WorkflowProblem each) => new(
        each.Hint is null ? each.Message : $"{each.Message} Hint: {each.Hint}", each.Code, each.Path, null, each.Location.Line, each.Location.Column);

    /// <summary>Describes a problem.</summary>
    /// <param name="code">The code; unknown ones become <see cref="ProblemCodes.InternalError"/>.</param>
    /// <param name="detail">What happened.</param>
    /// <param name="path">The path of the request.</param>
    /// <param name="errors">Every single problem.</param>
    /// <returns>The problem.</returns>
    public static ProblemDocument Create(string code, string? detail, string? path, IReadOnlyList<ProblemItem>? errors = null)
    {
        if (!Table.TryGetValue(code, out var entry))
        {
            (code, entry) = (ProblemCodes.InternalError, Table[ProblemCodes.InternalError]);
        }

        return new ProblemDocument
        {
            Type = $"urn:polyphony:problem:{code}",
            Title = entry.Title,
            Status = entry.Status,
            Code = code,
            Detail = detail,
            Instance = path,
            Errors = errors,
        };
    }
}
