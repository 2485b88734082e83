using Polyphony.Core;
using Polyphony.Core.Client;
using Polyphony.Core.Durable;
using Polyphony.Core.Workflows;

namespace Polyphony.Http.Problems;

/// <summary>The one table from codes to HTTP statuses and titles.</summary>
public static class ProblemTable
{
    private static readonly Dictionary<string, (int Status, string Title)> Table = new(StringComparer.Ordinal)
    {
        [ProblemCodes.InvalidRequest] = (400, "The request is not valid"),
        [ProblemCodes.InvalidJson] = (400, "The body is not valid JSON"),
        [ProblemCodes.UnknownField] = (400, "The body has an unknown field"),
        [ProblemCodes.InvalidParameter] = (400, "A parameter is not valid"),
        ["instance_id_invalid"] = (400, "The instance id is not valid"),
        ["input_invalid"] = (400, "The input does not fit the workflow's schema"),
        ["answer_invalid"] = (400, "The answer does not fit its schema"),
        ["invalid_continuation_token"] = (400, "The continuation token is not valid"),
        [ProblemCodes.Unauthorized] = (401, "An API key is required"),
        [ProblemCodes.HostNotAllowed] = (403, "The host name is not allowed"),
        [ProblemCodes.OriginNotAllowed] = (403, "The origin is not allowed"),
        [ProblemCodes.InlineDefinitionsDisabled] = (403, "Workflows cannot be sent along"),
        [EndpointPolicy.Code] = (403, "The host's settings do not allow an endpoint of the workflow"),
        [ProblemCodes.NotFound] = (404, "There is no such path"),
        [ProblemCodes.QuestionNotFound] = (404, "There is no such question"),
        ["workflow_not_found"] = (404, "There is no such workflow"),
        ["instance_not_found"] = (404, "There is no such instance"),
        [ProblemCodes.MethodNotAllowed] = (405, "The path does not have this method"),
        [ProblemCodes.RequestTimeout] = (408, "The request took too long"),
        ["instance_exists"] = (409, "The instance exists already"),
        [ProblemCodes.IdempotencyKeyReused] = (409, "The idempotency key was used with another request"),
        ["invalid_status"] = (409, "The instance's status does not allow this"),
        ["payload_not_found"] = (410, "A value is no longer kept"),
        [ProblemCodes.BodyTooLarge] = (413, "The body is too large"),
        ["payload_too_large"] = (413, "A value is too large"),
        [ProblemCodes.UnsupportedMediaType] = (415, "The body must be JSON"),
        ["workflow_invalid"] = (422, "The workflow is not valid"),
        [ProblemCodes.InternalError] = (500, "Something went wrong in this host"),
        ["instance_damaged"] = (500, "The instance stands on a damaged part of the data file"),
        ["data_file_full"] = (503, "There is no room on the disk"),
        ["too_many_connections"] = (503, "The host has too many connections"),
        ["too_many_uploads"] = (503, "The host has too many bodies to read"),
        [ProblemCodes.NotReady] = (503, "The host is not ready"),
        ["engine_stopped"] = (503, "The host is stopping"),
    };

    /// <summary>Describes an exception. What is not expected tells nothing about the inside.</summary>
    /// <param name="exception">The exception.</param>
    /// <param name="path">The path that was asked for.</param>
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
    /// <param name="path">The path that was asked for.</param>
    /// <param name="errors">Every single thing that is wrong.</param>
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
