using System.Text.Json;
using Microsoft.Extensions.Logging;
using Polyphony.Activities.Payloads;
using Polyphony.Activities.Providers;
using Polyphony.Activities.Telemetry;
using Polyphony.Core.Definitions;
using Polyphony.Core.Ledger;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;
using Polyphony.Core.Telemetry;
using Polyphony.Expressions;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Activities.Tools;

/// <summary>
/// One tool call. In order: check the arguments, ask a person if the call has to be approved, note in the ledger that it begins, make it, record what it came to, and only then say so.
/// A call that was begun and whose end is not recorded may have happened: it is made again only if the tool is idempotent; else its check is asked, else a person.
/// </summary>
internal sealed class ToolActivity(
    DefinitionCache definitions, PayloadValues values, ILedger ledger, ToolRegistry tools, TimeSpan timeout, TimeProvider timeProvider, ILogger log)
{
    /// <summary>How often a call that has not happened by its check is begun anew in one activity: more often, somebody else makes the same call at the same time.</summary>
    private const int MaxChecks = 3;

    private const int MaxNoteLength = 1_000;

    private static readonly ExpressionSite ArgumentsSite = new(ExpressionSiteKind.Arguments);

    private readonly ToolFunctions _functions = new(timeout, timeProvider);
    private readonly ToolQuestions _questions = new(values);
    private readonly RunTools _runTools = new(definitions);
    private readonly ToolRecords _records = new(values, ledger, log);

    /// <summary>Makes the call. When the node's time is over the result is <see cref="CallError.Cancelled"/>; a call that is cancelled otherwise throws.</summary>
    public async Task<ToolCallResult> RunAsync(ToolCall call, CancellationToken cancellationToken)
    {
        using var deadline = new CallDeadline(call.Deadline, timeProvider, cancellationToken);
        try
        {
            return await CallAsync(call, deadline.Token);
        }
        catch (Exception) when (deadline.Token.IsCancellationRequested)
        {
            log.ToolCallCancelled(call.StepId, call.Tool);
            cancellationToken.ThrowIfCancellationRequested();
            return new ToolCallResult(null, CallError.Cancelled);
        }
    }

    private async Task<ToolCallResult> CallAsync(ToolCall call, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ToolRequest? request;
        try
        {
            (request, var end) = await PrepareAsync(call, cancellationToken);
            if (request is null)
            {
                return end!;
            }
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            // The boundary of the activity: whatever it is, the workflow decides what follows. Nothing was begun.
            return _records.Failed(call, ToolFailures.Classify(call.Tool, exception, timeout, timeProvider));
        }

        try
        {
            return request.Tool.OfRun is { } tool ? await new RunToolCalls(_records, _questions, values).MakeAsync(request, tool, cancellationToken) : await MakeAsync(request, cancellationToken);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            // A store failed. What was begun and not settled is in doubt when it is called again.
            return _records.Failed(call, new CallError(ErrorCodes.ActivityFailed, $"The call of tool \"{call.Tool}\" broke off: {exception.Message} ({exception.GetType().Name})", ErrorKind.Transient));
        }
    }

    /// <summary>Finds out what is to be called, and whether it may be.</summary>
    /// <returns>The call, or what it has come to without being made.</returns>
    private async Task<(ToolRequest? Request, ToolCallResult? End)> PrepareAsync(ToolCall call, CancellationToken cancellationToken)
    {
        var definition = definitions.Get(call.Scope.DefinitionHash);
        ResolvedTool tool;
        try
        {
            tool = _runTools.Find(definition, call.Tool, call.Workflows) ?? await tools.GetAsync(definition, call.Tool, cancellationToken);
        }
        catch (ModelException)
        {
            // What has ended before stands, whether or not its tool can be had now.
            if (await _records.FindAsync(call, cancellationToken) is { } recorded)
            {
                return (null, recorded);
            }

            throw;
        }

        var arguments = await ArgumentsAsync(call, cancellationToken);
        if (Violations(tool.Parameters, arguments) is { } violations)
        {
            return (null, _records.Failed(call, new CallError(ErrorCodes.ToolArgumentsInvalid, $"The arguments of tool \"{call.Tool}\" do not fit: {violations}", ErrorKind.Terminal)));
        }

        var rules = definition.FindToolRules(call.Agent, call.Scope.Node, call.Tool);
        var request = new ToolRequest(call, tool, arguments, rules?.Idempotent ?? tool.Options.Idempotent);
        if (rules?.Approval is not { } approval)
        {
            return (request, null);
        }

        if (call.Approval is null)
        {
            return NeedsApproval(approval, arguments) && await _records.IsUndecidedAsync(call, arguments, cancellationToken)
                ? (null, await _questions.ApprovalAsync(call, tool, arguments, approval, null, cancellationToken))
                : (request, null);
        }

        var answer = await values.ReadAsync(call.Approval, cancellationToken);
        if (DecisionOf(answer) != ToolDecisions.Approve)
        {
            return (null, _records.Failed(call, new CallError(ErrorCodes.ToolRefused, $"The call of tool \"{call.Tool}\" was refused{(ReasonOf(answer) is { } reason ? $": {reason}" : ".")}", ErrorKind.Terminal)));
        }

        if (!answer.TryGetProperty(ToolDecisions.Arguments, out var changed))
        {
            return (request, null);
        }

        return Violations(tool.Parameters, changed) is { } problem
            ? (null, await _questions.ApprovalAsync(call, tool, arguments, approval, problem, cancellationToken))
            : (request with { Arguments = changed, Note = $"A person changed the arguments of this call to {ErrorText.Shorten(ToolQuestions.Visible(changed), MaxNoteLength)}." }, null);
    }

    /// <summary>Makes a call once, by what the ledger knows of it.</summary>
    private async Task<ToolCallResult> MakeAsync(ToolRequest request, CancellationToken cancellationToken)
    {
        var call = request.Call;
        var knownNotToHaveHappened = 0;
        if (call.Verdict is { } verdict)
        {
            var answer = await values.ReadAsync(verdict, cancellationToken);
            switch (DecisionOf(answer))
            {
                case ToolDecisions.Happened:
                    var result = answer.TryGetProperty(ToolDecisions.Result, out var given) ? given : Payload.Null.Json!.Value;
                    return await _records.EndAsync(call, new ToolCallResult(await values.WriteAsync(call.Scope.RootInstanceId, result, cancellationToken)));
                case ToolDecisions.Repeat:
                    knownNotToHaveHappened = call.VerdictBegun;
                    break;
                default:
                    return _records.Failed(call, new CallError(
                        ErrorCodes.ToolInDoubt, $"The call of tool \"{call.Tool}\" may have happened, and was given up{(ReasonOf(answer) is { } reason ? $": {reason}" : ".")}", ErrorKind.Terminal));
            }
        }

        var step = request.Step;
        for (var checks = 0; ; checks++)
        {
            var entry = await ledger.BeginAsync(step, cancellationToken);
            if (entry.Answer is { } recorded)
            {
                log.ToolCallReused(call.StepId, call.Tool);
                if (entry.Request.RequestHash != step.RequestHash)
                {
                    log.RecordedArgumentsDiffer(call.StepId);
                }

                return ToolRecords.Read(recorded);
            }

            if (entry.Unsettled == 1 || request.IsIdempotent)
            {
                return await InvokeAsync(request, entry, cancellationToken);
            }

            if (entry.Begun == knownNotToHaveHappened + 1)
            {
                await _records.SettleAsync(call, entry.Unsettled - 1);
                return await InvokeAsync(request, entry, cancellationToken);
            }

            // This one is not made, unless it turns out that the one before was not.
            await ledger.FailAsync(call.StepId, ErrorCodes.ToolInDoubt, CancellationToken.None);
            log.ToolCallInDoubt(call.StepId, call.Tool);
            var check = checks == MaxChecks ? ToolCheckResult.Unknown : await CheckAsync(request, entry, cancellationToken);
            switch (check.HasHappened)
            {
                case true:
                    return await _records.EndAsync(request, check.Result);
                case false:
                    await _records.SettleAsync(call, entry.Unsettled - 1);
                    break;
                default:
                    return await _questions.DoubtAsync(call, request.Arguments, entry, cancellationToken);
            }
        }
    }

    private async Task<ToolCallResult> InvokeAsync(ToolRequest request, LedgerEntry entry, CancellationToken cancellationToken)
    {
        var call = request.Call;
        if (cancellationToken.IsCancellationRequested)
        {
            await ledger.FailAsync(call.StepId, ErrorCodes.Cancelled, CancellationToken.None);
            cancellationToken.ThrowIfCancellationRequested();
        }

        log.ToolCallBegun(call.StepId, call.Tool, call.Attempt, request.Arguments.GetRawText().Length);
        JsonElement output;
        var definition = definitions.Get(call.Scope.DefinitionHash);
        var context = new ToolCallContext(call.StepId, call.Tool, call.Attempt, definition);
        CallMetrics.NoteAttempt(call.Attempt, SpanNames.ExecuteTool, SpanNames.Tool, call.Tool);
        try
        {
            output = await InvokeAsync(request, context, definition, cancellationToken);
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            await ledger.LeaveUnsettledAsync(call.StepId, ErrorCodes.Cancelled, CancellationToken.None);
            throw;
        }
        catch (Exception exception)
        {
            return await FailedAsync(request, entry, exception, cancellationToken);
        }

        return await _records.EndAsync(request, output, context.Written());
    }

    private async Task<JsonElement> InvokeAsync(ToolRequest request, ToolCallContext context, WorkflowDefinition definition, CancellationToken cancellationToken)
    {
        using var operation = ToolOperation.Begin(request.Call, definition.Name, timeProvider);
        try
        {
            return await _functions.InvokeAsync(request.Tool, request.Arguments, context, cancellationToken);
        }
        catch (Exception exception)
        {
            operation?.Fail(cancellationToken.IsCancellationRequested
                ? ErrorCodes.Cancelled
                : ToolFailures.Classify(request.Call.Tool, exception, _functions.LimitOf(request.Tool), timeProvider).Code);
            throw;
        }
    }

    /// <summary>Finds out what has become of a call whose tool has thrown.</summary>
    private async Task<ToolCallResult> FailedAsync(ToolRequest request, LedgerEntry entry, Exception exception, CancellationToken cancellationToken)
    {
        var call = request.Call;
        var error = ToolFailures.Classify(call.Tool, exception, _functions.LimitOf(request.Tool), timeProvider);
        if (request.IsIdempotent || ToolFailures.HadNoEffect(exception))
        {
            await ledger.FailAsync(call.StepId, error.Code, CancellationToken.None);
            return _records.Failed(call, error);
        }

        await ledger.LeaveUnsettledAsync(call.StepId, error.Code, CancellationToken.None);
        if (!ToolFailures.LostTheAnswer(exception))
        {
            // It broke off, nobody knows where: it is not made again, and whoever asked for it is told.
            error = error with { Kind = ErrorKind.Terminal };
            return call.CallId is null ? _records.Failed(call, error) : await _records.EndAsync(call, _records.Failed(call, error));
        }

        log.ToolCallInDoubt(call.StepId, call.Tool);
        var check = await CheckAsync(request, entry, cancellationToken);
        switch (check.HasHappened)
        {
            case true:
                return await _records.EndAsync(request, check.Result);
            case false:
                await ledger.FailAsync(call.StepId, error.Code, CancellationToken.None);
                return _records.Failed(call, error);
            default:
                return await _questions.DoubtAsync(call, request.Arguments, entry, cancellationToken);
        }
    }

    /// <summary>Asks the tool's check whether a call has happened.</summary>
    private async Task<ToolCheckResult> CheckAsync(ToolRequest request, LedgerEntry entry, CancellationToken cancellationToken)
    {
        if (request.Tool.Options.Check is not { } check)
        {
            return ToolCheckResult.Unknown;
        }

        try
        {
            var asked = new ToolCheck(request.Call.StepId, request.Call.Tool, request.Arguments, entry.BegunTime);
            return await _functions.WithinLimitAsync(async token => await check(asked, token), cancellationToken);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            log.ToolCheckFailed(request.Call.StepId, exception.GetType().FullName);
            return ToolCheckResult.Unknown;
        }
    }

    private static bool NeedsApproval(ToolApproval approval, JsonElement arguments)
    {
        if (approval.When is not { } condition)
        {
            return true;
        }

        try
        {
            return condition.Evaluate(new ArgumentScope(arguments)).ToJson().ValueKind != JsonValueKind.False;
        }
        catch (ExpressionException)
        {
            // Nobody knows: then somebody decides.
            return true;
        }
    }

    private async Task<JsonElement> ArgumentsAsync(ToolCall call, CancellationToken cancellationToken)
    {
        if (call.Arguments is { } given)
        {
            return await values.ReadAsync(given, cancellationToken);
        }

        var scope = call.Scope;
        var definition = definitions.Get(scope.DefinitionHash);
        var stored = await values.ReadAllAsync(
            CallScopeValues.StoredValues(scope, ExpressionSites.References(definition, scope.Node, ArgumentsSite)), cancellationToken);
        return ExpressionSites.Evaluate(definition, scope.Node, ArgumentsSite, CallScopeValues.Create(scope, definition.Name, stored)).ToJson();
    }

    private static string? Violations(JsonSchema schema, JsonElement arguments)
    {
        if (arguments.ValueKind != JsonValueKind.Object)
        {
            return $"expected an object, found {arguments.ValueKind}";
        }

        var violations = schema.Validate(arguments);
        return violations.Count == 0 ? null : string.Join("; ", violations.Select(violation => $"{violation.Pointer}: {violation.Message}"));
    }

    private static string? DecisionOf(JsonElement answer) => TextOf(answer, ToolDecisions.Decision);

    private static string? ReasonOf(JsonElement answer) => TextOf(answer, ToolDecisions.Reason) is { Length: > 0 } reason ? reason : null;

    private static string? TextOf(JsonElement answer, string member) =>
        answer.ValueKind == JsonValueKind.Object && answer.TryGetProperty(member, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
