using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Polyphony.Core.Runs;

namespace Polyphony.Activities;

/// <summary>Log messages of this project: event ids 3000 to 3999, never reused. Prompts and answers appear at Trace only, the words of providers and tools at Debug: they may repeat a prompt, or a key.</summary>
internal static partial class ActivitiesLog
{
    private const string Category = "Polyphony.Activities";

    /// <summary>Makes the logger of this project.</summary>
    public static ILogger ForActivities(this ILoggerFactory? loggerFactory) => (loggerFactory ?? NullLoggerFactory.Instance).CreateLogger(Category);

    [LoggerMessage(3000, LogLevel.Information, "Model call {StepId} of agent {Agent}: {Provider} {Model}, attempt {Attempt}, {Messages} messages, {Characters} characters")]
    public static partial void ModelCallBegun(this ILogger log, string stepId, string agent, string provider, string? model, int attempt, int messages, int characters);

    [LoggerMessage(3020, LogLevel.Information, "Model call {StepId} answered: {InputTokens} + {OutputTokens} tokens")]
    public static partial void ModelCallAnswered(this ILogger log, string stepId, long inputTokens, long outputTokens);

    [LoggerMessage(3021, LogLevel.Debug, "Model call {StepId} answered by {ResponseModel} ({FinishReason}), request {ProviderRequestId}")]
    public static partial void ModelCallAnsweredBy(this ILogger log, string stepId, string? responseModel, string? finishReason, string? providerRequestId);

    [LoggerMessage(3002, LogLevel.Information, "Model call {StepId} was answered before; the recorded answer is used and nothing is billed")]
    public static partial void ModelCallReused(this ILogger log, string stepId);

    [LoggerMessage(3022, LogLevel.Warning, "Model call {StepId} failed: {Code} ({Kind}); the instance has the message")]
    public static partial void ModelCallFailed(this ILogger log, string stepId, string code, ErrorKind kind);

    [LoggerMessage(3023, LogLevel.Debug, "Model call {StepId} failed: {Message}")]
    public static partial void ModelCallFailedBecause(this ILogger log, string stepId, string message);

    [LoggerMessage(3004, LogLevel.Warning, "Model call {StepId}: the recorded answer belongs to another request (recorded {Recorded}, now {Now}); it is used anyway, because a step is billed once")]
    public static partial void RecordedRequestDiffers(this ILogger log, string stepId, string recorded, string now);

    [LoggerMessage(3005, LogLevel.Trace, "Model call {StepId}, message {Index} ({Role}): {Text}")]
    public static partial void MessageSent(this ILogger log, string stepId, int index, string role, string text);

    [LoggerMessage(3006, LogLevel.Trace, "Model call {StepId}, answer: {Text}")]
    public static partial void AnswerReceived(this ILogger log, string stepId, string text);

    [LoggerMessage(3007, LogLevel.Warning, "Model call {StepId}: the answer does not fit the output schema of agent {Agent} ({Violations} violations)")]
    public static partial void AnswerInvalid(this ILogger log, string stepId, string agent, int violations);

    [LoggerMessage(3024, LogLevel.Error, "Model call {StepId} failed unexpectedly: {Type}; the instance has the message {Stack}")]
    public static partial void ModelCallBroke(this ILogger log, string stepId, string? type, string? stack);

    [LoggerMessage(3009, LogLevel.Information, "Model call {StepId} waits until {Until:O}: {Reason}")]
    public static partial void ModelCallWaits(this ILogger log, string stepId, DateTimeOffset until, string reason);

    [LoggerMessage(3010, LogLevel.Warning, "Deployment {Provider} {Model} has failed every call of late ({Code}): nothing is sent to it until {Until:O}, and then one call first")]
    public static partial void DeploymentFails(this ILogger log, string provider, string? model, DateTimeOffset until, string code);

    [LoggerMessage(3011, LogLevel.Information, "Deployment {Provider} {Model} answers again")]
    public static partial void DeploymentAnswers(this ILogger log, string provider, string? model);

    [LoggerMessage(3012, LogLevel.Warning, "Model call {StepId}: {Count} halves of characters in the answer were replaced by U+FFFD")]
    public static partial void CharactersReplaced(this ILogger log, string stepId, int count);

    [LoggerMessage(3025, LogLevel.Information, "Model call {StepId} was cancelled before its answer came; the provider may charge for it")]
    public static partial void ModelCallCancelled(this ILogger log, string stepId);

    [LoggerMessage(3026, LogLevel.Information, "{Server} refused the form of a request to model {Model} (HTTP {Status}); it is sent again at once with {Dialect}")]
    public static partial void RequestReworded(this ILogger log, string server, string model, int status, string dialect);

    [LoggerMessage(3027, LogLevel.Information, "{Server} accepts requests to model {Model} with {Dialect}: until the host stops, {Which} use it from the start. To use it always, {Advice}")]
    public static partial void DialectRemembered(this ILogger log, string server, string model, string which, string dialect, string advice);

    [LoggerMessage(3030, LogLevel.Warning, "{Warning}")]
    public static partial void SettingsWarning(this ILogger log, string warning);

    [LoggerMessage(3100, LogLevel.Information, "Tool call {StepId}: {Tool}, attempt {Attempt}, {Bytes} bytes of arguments")]
    public static partial void ToolCallBegun(this ILogger log, string stepId, string tool, int attempt, int bytes);

    [LoggerMessage(3101, LogLevel.Information, "Tool call {StepId} returned {Bytes} bytes")]
    public static partial void ToolCallReturned(this ILogger log, string stepId, long bytes);

    [LoggerMessage(3103, LogLevel.Warning, "Tool call {StepId} of {Tool} failed: {Code} ({Kind}); the instance has the message")]
    public static partial void ToolCallFailed(this ILogger log, string stepId, string tool, string code, ErrorKind kind);

    [LoggerMessage(3120, LogLevel.Information, "Tool call {StepId} of {Tool} was cancelled")]
    public static partial void ToolCallCancelled(this ILogger log, string stepId, string tool);

    [LoggerMessage(3104, LogLevel.Debug, "Tool call {StepId} failed: {Message}")]
    public static partial void ToolCallFailedBecause(this ILogger log, string stepId, string message);

    [LoggerMessage(3105, LogLevel.Information, "Tool call {StepId} of {Tool} has ended before; the recorded result is used and the tool is not called")]
    public static partial void ToolCallReused(this ILogger log, string stepId, string tool);

    [LoggerMessage(3106, LogLevel.Warning, "Tool call {StepId} of {Tool} may have happened: it was begun, and its end is not known")]
    public static partial void ToolCallInDoubt(this ILogger log, string stepId, string tool);

    [LoggerMessage(3107, LogLevel.Warning, "Tool call {StepId}: its check failed with {Type}; a person is asked")]
    public static partial void ToolCheckFailed(this ILogger log, string stepId, string? type);

    [LoggerMessage(3108, LogLevel.Warning, "Tool call {StepId}: the recorded result belongs to other arguments; it is used all the same, because a call is made once")]
    public static partial void RecordedArgumentsDiffer(this ILogger log, string stepId);

    [LoggerMessage(3130, LogLevel.Information, "Tool server {Server} is connected and has {Tools} tools")]
    public static partial void ToolServerConnected(this ILogger log, string server, int tools);

    [LoggerMessage(3131, LogLevel.Warning, "Tool server {Server} can't be started or reached; it is left alone for {Wait}")]
    public static partial void ToolServerUnreachable(this ILogger log, string server, TimeSpan wait);

    [LoggerMessage(3132, LogLevel.Warning, "Tool server {Server} has gone; it is started or reached again when it is needed")]
    public static partial void ToolServerEnded(this ILogger log, string server);

    [LoggerMessage(3133, LogLevel.Debug, "Tool server {Server}: {Message}")]
    public static partial void ToolServerSaid(this ILogger log, string server, string message);

    [LoggerMessage(3150, LogLevel.Warning, "A message of instance {InstanceId} to topic {Topic} was not published: {Code}; the instance has the message")]
    public static partial void PublishFailed(this ILogger log, string instanceId, string topic, string code);

    [LoggerMessage(3201, LogLevel.Warning, "Evaluation of {Site} at {Activation} of instance {InstanceId} failed: {Code}; the instance has the message")]
    public static partial void EvaluationFailed(this ILogger log, string instanceId, string activation, ExpressionSiteKind site, string code);

    [LoggerMessage(3202, LogLevel.Debug, "Evaluation at {Activation} of instance {InstanceId} failed: {Message}")]
    public static partial void EvaluationFailedBecause(this ILogger log, string instanceId, string activation, string message);

    [LoggerMessage(3060, LogLevel.Information, "Schedule {Schedule} of workflow {Workflow}: {Due:u} started as instance {InstanceId}")]
    public static partial void DueStarted(this ILogger log, string workflow, string schedule, DateTimeOffset due, string instanceId);

    [LoggerMessage(3061, LogLevel.Information, "Schedule {Schedule} of workflow {Workflow}: {Due:u} was started before as instance {InstanceId}")]
    public static partial void DueStartedBefore(this ILogger log, string workflow, string schedule, DateTimeOffset due, string instanceId);

    [LoggerMessage(3062, LogLevel.Warning, "Schedule {Schedule} of workflow {Workflow} cannot start what is due, and tries again every minute: {Code}: {Message}")]
    public static partial void DueNotStarted(this ILogger log, string workflow, string schedule, string code, string message);
}
