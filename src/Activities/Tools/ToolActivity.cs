using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Polyphony.Activities.Agents;
using Polyphony.Activities.Errors;
using Polyphony.Activities.Payloads;
using Polyphony.Activities.Providers;
using Polyphony.Core.Definitions;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Activities.Tools;

/// <summary>One tool call.</summary>
internal sealed class ToolActivity(
    DefinitionCache definitions, PayloadValues values, ToolRegistry tools, TimeSpan timeout, TimeProvider timeProvider, ILogger log)
{
    private static readonly ExpressionSite ArgumentsSite = new(ExpressionSiteKind.Arguments);

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
        CallError error;
        try
        {
            var tool = await tools.GetAsync(definitions.Get(call.Scope.DefinitionHash), call.Tool, cancellationToken);
            var arguments = await ArgumentsAsync(call, cancellationToken);
            if (Violations(tool.Parameters, arguments) is { } violations)
            {
                error = new CallError(ErrorCodes.ToolArgumentsInvalid, $"The arguments of tool \"{call.Tool}\" do not fit: {violations}", ErrorKind.Terminal);
            }
            else
            {
                log.ToolCallBegun(call.StepId, call.Tool, call.Attempt, arguments.GetRawText().Length);
                var output = await values.WriteAsync(call.Scope.RootInstanceId, await InvokeAsync(call, tool, arguments, cancellationToken), cancellationToken);
                log.ToolCallReturned(call.StepId, output.Reference?.Bytes ?? output.Json?.GetRawText().Length ?? 0);
                return new ToolCallResult(output);
            }
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            // The boundary of the activity: whatever it is, the workflow decides what follows.
            error = Classify(call, exception);
        }

        error = ErrorText.Shorten(error);
        log.ToolCallFailed(call.StepId, call.Tool, error.Code, error.Kind);
        log.ToolCallFailedBecause(call.StepId, error.Message);
        return new ToolCallResult(null, error);
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

    private async Task<JsonElement> InvokeAsync(ToolCall call, ResolvedTool tool, JsonElement arguments, CancellationToken cancellationToken)
    {
        var longest = tool.Timeout < timeout ? tool.Timeout.Value : timeout;
        using var limit = new CancellationTokenSource(longest, timeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            // On another thread, because a function may block before its first await, and the limit holds for it as well. Through the context that the activity runs in, if it has one: a clock
            // that skips time must see that there is work.
            var scheduler = SynchronizationContext.Current is null ? TaskScheduler.Default : TaskScheduler.FromCurrentSynchronizationContext();
            var given = new AIFunctionArguments(ToolArguments.FromJson(arguments)!).WithStep(call.StepId);
            var result = Task.Factory.StartNew(
                async () => await tool.Function.InvokeAsync(given, either.Token), either.Token, TaskCreationOptions.DenyChildAttach, scheduler).Unwrap();
            return ToJson(tool.Function, await result.WaitAsync(either.Token));
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            // What may have been done is done again only where that is known to do no harm.
            throw new ModelException(new CallError(
                ErrorCodes.Timeout, $"The tool \"{call.Tool}\" did not return within {longest.TotalSeconds:0.###} s.", tool.Idempotent == false ? ErrorKind.Terminal : ErrorKind.Transient));
        }
    }

    private static JsonElement ToJson(AIFunction tool, object? result) => result switch
    {
        null => Payload.Null.Json!.Value,
        JsonElement { ValueKind: JsonValueKind.Undefined } => Payload.Null.Json!.Value,
        JsonElement json => Whole(json),
        string text => CallJson.Text(text),
        _ => JsonSerializer.SerializeToElement(result, tool.JsonSerializerOptions),
    };

    // What a tool says is data: a half of a character in it is replaced as in an answer of a model, and is no reason to call it again.
    private static JsonElement Whole(JsonElement json)
    {
        var bytes = JsonMarshal.GetRawUtf8Value(json).ToArray();
        return Surrogates.ReplaceEscaped(bytes) == 0 ? json : JsonElement.Parse(bytes, JsonLimits.Document);
    }

    private CallError Classify(ToolCall call, Exception exception) => exception switch
    {
        TimeoutException => new CallError(ErrorCodes.Timeout, $"The tool \"{call.Tool}\" did not return within {timeout.TotalSeconds:0.###} s.", ErrorKind.Transient),
        ArgumentException or JsonException => new CallError(ErrorCodes.ToolArgumentsInvalid, $"The tool \"{call.Tool}\" refused its arguments: {exception.Message}", ErrorKind.Terminal),
        PolyphonyException => ErrorClassifier.Classify(exception, timeProvider),
        UnauthorizedAccessException or NotSupportedException => new CallError(ErrorCodes.ToolFailed, $"The tool \"{call.Tool}\" failed: {exception.Message}", ErrorKind.Terminal),
        _ => new CallError(ErrorCodes.ToolFailed, $"The tool \"{call.Tool}\" failed: {exception.Message} ({exception.GetType().Name})", ErrorKind.Transient),
    };
}
