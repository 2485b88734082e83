using Polyphony.Core.Definitions;

namespace Polyphony.Http.Problems;

/// <summary>A problem that a route may be answered with.</summary>
/// <param name="Code">Its code.</param>
/// <param name="Status">Its HTTP status.</param>
internal readonly record struct RouteProblem(string Code, int Status)
{
    public static implicit operator RouteProblem(string code) => new(code, ProblemTable.StatusOf(code));
}

/// <summary>Which problems each route may be answered with: the one list, of which the OpenAPI document is made.</summary>
internal sealed record RouteProblems(IReadOnlyList<RouteProblem> Problems)
{
    // Acting on a finished instance is "gone"; see ProblemTable.
    private static readonly RouteProblem Finished = new(ProblemCodes.InvalidStatus, 410);

    private static readonly RouteProblem[] Everywhere =
        [ProblemCodes.HostNotAllowed, ProblemCodes.OriginNotAllowed, ProblemCodes.InternalError, ProblemCodes.TooManyConnections, ProblemCodes.TooManyUploads];

    private static readonly RouteProblem[] Api = [.. Everywhere, ProblemCodes.Unauthorized, ProblemCodes.InvalidParameter];

    private static readonly RouteProblem[] Data =
    [
        .. Api, ProblemCodes.EngineStopped, ProblemCodes.DataFileCorrupt, ProblemCodes.DataFileFull, ProblemCodes.DataFileLocked, ProblemCodes.DataFileReadOnly, ProblemCodes.DataFileGone,
        ProblemCodes.DataFileFailed,
    ];

    private static readonly RouteProblem[] Body =
        [ProblemCodes.InvalidRequest, ProblemCodes.InvalidJson, ProblemCodes.RequestTimeout, ProblemCodes.BodyTooLarge, ProblemCodes.PayloadTooLarge, ProblemCodes.UnsupportedMediaType];

    private static readonly RouteProblem[] OneInstance = [.. Data, ProblemCodes.InstanceIdInvalid, ProblemCodes.InstanceNotFound, ProblemCodes.InstanceDamaged];

    private static readonly RouteProblem[] AnyStart =
    [
        .. Data, .. Body, ProblemCodes.UnknownField, ProblemCodes.InstanceIdInvalid, ProblemCodes.InputInvalid, EndpointPolicy.Code, ProblemCodes.WorkflowNotFound,
        ProblemCodes.InstanceNotFound, ProblemCodes.InstanceExists, ProblemCodes.IdempotencyKeyReused, ProblemCodes.WorkflowInvalid, ProblemCodes.WorkflowNotStartable, ProblemCodes.InstanceDamaged,
        ProblemCodes.QueueFull,
    ];

    private static readonly RouteProblem[] AnyMessage =
    [
        .. Data, .. Body, ProblemCodes.UnknownField, ProblemCodes.TopicInvalid, ProblemCodes.NoSubscriber, ProblemCodes.InputInvalid, EndpointPolicy.Code,
        ProblemCodes.WorkflowNotFound, ProblemCodes.WorkflowInvalid, ProblemCodes.WorkflowNotStartable,
    ];

    public static RouteProblems Live { get; } = Of(Everywhere);

    public static RouteProblems Ready { get; } = Of(Everywhere, ProblemCodes.NotReady);

    public static RouteProblems Workflows { get; } = Of(Api);

    public static RouteProblems Workflow { get; } = Of(Api, ProblemCodes.WorkflowNotFound, ProblemCodes.WorkflowInvalid);

    public static RouteProblems Queue { get; } = Of(Data);

    public static RouteProblems Usage { get; } = Of(Data);

    public static RouteProblems Schedules { get; } = Of(Data);

    public static RouteProblems Schedule { get; } = Of(Data, ProblemCodes.ScheduleNotFound, ProblemCodes.WorkflowNotFound, ProblemCodes.WorkflowInvalid);

    public static RouteProblems ActOnSchedule { get; } =
        Of(Data, ProblemCodes.ScheduleNotFound, ProblemCodes.ScheduleNotStarted, ProblemCodes.WorkflowNotFound, ProblemCodes.WorkflowInvalid);

    public static RouteProblems Start { get; } = Of(AnyStart);

    public static RouteProblems StartDefinition { get; } = Of(AnyStart, ProblemCodes.InlineDefinitionsDisabled);

    public static RouteProblems List { get; } = Of(Data, ProblemCodes.InvalidContinuationToken);

    public static RouteProblems Read { get; } = Of(OneInstance);

    public static RouteProblems Question { get; } = Of(OneInstance, ProblemCodes.QuestionNotFound);

    public static RouteProblems Event { get; } = Of([.. OneInstance, .. Body], ProblemCodes.AnswerInvalid, ProblemCodes.QuestionNotFound, Finished);

    public static RouteProblems Act { get; } = Of(OneInstance, Finished);

    public static RouteProblems Rewind { get; } = Of(OneInstance, ProblemCodes.InvalidStatus, Finished);

    public static RouteProblems Restart { get; } =
        Of(OneInstance, ProblemCodes.InvalidStatus, ProblemCodes.InstanceExists, ProblemCodes.PayloadNotFound, ProblemCodes.QueueFull);

    public static RouteProblems Purge { get; } = Of(OneInstance, ProblemCodes.InvalidStatus);

    public static RouteProblems Terminate { get; } = Of(OneInstance, ProblemCodes.MailboxNeverEnds, ProblemCodes.LockInUse, Finished);

    public static RouteProblems Publish { get; } = Of(AnyMessage);

    public static RouteProblems Say { get; } = Of(AnyMessage, ProblemCodes.SessionNotFound);

    public static RouteProblems Session { get; } = Of(Data, ProblemCodes.SessionNotFound, ProblemCodes.MailboxNotFound);

    public static RouteProblems Mailbox { get; } = Of(Data, ProblemCodes.MailboxNotFound, ProblemCodes.PayloadNotFound);

    public static RouteProblems DeadLetter { get; } = Of(Data, ProblemCodes.DeadLetterNotFound, ProblemCodes.WorkflowInvalid, EndpointPolicy.Code);

    private static RouteProblems Of(RouteProblem[] common, params RouteProblem[] others) => new([.. common, .. others]);
}
