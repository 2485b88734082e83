using System.Diagnostics;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Polyphony.Activities.Errors;
using Polyphony.Activities.Limits;
using Polyphony.Activities.Payloads;
using Polyphony.Activities.Providers;
using Polyphony.Activities.Providers.Offline;
using Polyphony.Activities.Telemetry;
using Polyphony.Core.Definitions;
using Polyphony.Core.Ledger;
using Polyphony.Core.Runs;
using Polyphony.Core.Telemetry;

namespace Polyphony.Activities.Agents;

/// <summary>
/// One model call. In order: render, ask the ledger whether this step was answered before, call the model within the agent's
/// time limit, record the answer, and only then say what it means. A crash before the call leaves the step begun and not settled; a
/// crash after the answer and before its record is one way to pay twice, and shows the same way, as does an answer that is lost
/// on its way here; a crash after the record costs nothing, because the next delivery finds the answer.
/// </summary>
internal sealed class ModelCallActivity(
    ConversationBuilder conversations,
    DefinitionCache definitions,
    PayloadValues values,
    ILedger ledger,
    IModelRegistry models,
    ActivitiesOptions options,
    DeploymentGates gates,
    TimeProvider timeProvider,
    ILogger log)
{
    private readonly AnswerReader _answers = new(values);

    /// <summary>Makes the call. When the node's time is over the result is <see cref="CallError.Cancelled"/>; a call that is cancelled otherwise throws.</summary>
    public async Task<AgentCallResult> RunAsync(AgentCall call, CancellationToken cancellationToken)
    {
        using var deadline = new CallDeadline(call.Deadline, timeProvider, cancellationToken);
        using var span = AgentSpan.Begin(call);
        CallMetrics.NoteAttempt(call.Attempt, SpanNames.Chat, SpanNames.Agent, call.Agent);
        AgentCallResult result;
        try
        {
            result = await AnswerAsync(call, span, deadline.Token);
        }
        catch (Exception) when (deadline.IsOver && !cancellationToken.IsCancellationRequested)
        {
            result = new AgentCallResult { Error = CallError.Cancelled };
        }
        catch (Exception)
        {
            span?.Fail(ErrorCodes.Cancelled);
            throw;
        }

        AgentSpan.End(span, result);
        return result;
    }

    private async Task<AgentCallResult> AnswerAsync(AgentCall call, Activity? span, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        WorkflowDefinition? definition = null;
        AgentCallResult result;
        try
        {
            definition = definitions.Get(call.Scope.DefinitionHash);
            var agent = definition.FindAgent(call.Agent, call.Scope.Node)
                ?? throw new PolyphonyException("agent_not_found", $"Workflow \"{definition.Name}\" has no agent \"{call.Agent}\". The call and the definition do not belong together.");
            var model = models.Resolve(definition, call.Model);
            span?.SetTag(SpanNames.Workflow, definition.Name).SetTag(SpanNames.Provider, ProviderNames.Of(model.Definition.Provider)).SetTag(SpanNames.RequestModel, model.Definition.Model ?? model.Definition.Name);
            var conversation = await conversations.BuildAsync(call, definition, agent, model.Definition, cancellationToken);
            var mayFallBack = call.MayFallBack ?? models.HostFallback(definition, call.Model).Count > 0;
            result = await AskAsync(call, definition.Name, agent, model, conversation, mayFallBack ? agent.MaxWait : null, cancellationToken);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            // The boundary of the activity: whatever it is, the workflow decides what follows.
            result = Failed(call, exception, null);
        }

        result = result.Error is { } failed ? result with { Error = ErrorText.Shorten(failed) } : result;

        // The interpreter knows the workflow's fallbacks, but not the host's: those reach it in a result, which is history and replays alike.
        return (result.Error is null && result.Wait is null) || definition is null || models.HostFallback(definition, call.Model) is not { Count: > 0 } fallback
            ? result
            : result with { Fallback = fallback };
    }

    private async Task<AgentCallResult> AskAsync(
        AgentCall call, string workflow, AgentDefinition agent, ResolvedModel model, Conversation conversation, TimeSpan? longestWait, CancellationToken cancellationToken)
    {
        var hash = conversation.Hash(model.Definition);
        var entry = await ledger.BeginAsync(
            new LedgerRequest(call.StepId, call.Scope.RootInstanceId, call.Agent, call.Model, hash)
            {
                Workflow = call.Scope.RootWorkflow ?? workflow,
                Provider = model.Definition.Provider,
                Deployment = model.Definition.Model ?? model.Definition.Name,
            },
            cancellationToken);
        if (entry.Answer is { } recorded)
        {
            log.ModelCallReused(call.StepId);
            CallMetrics.NoteReused(call);
            if (entry.Request.RequestHash != hash)
            {
                log.RecordedRequestDiffers(call.StepId, entry.Request.RequestHash, hash);
            }

            return await _answers.ReadAsync(call, agent, model.Definition, recorded, fromLedger: true, cancellationToken);
        }

        if (cancellationToken.IsCancellationRequested)
        {
            // Nothing was sent.
            await ledger.FailAsync(call.StepId, ErrorCodes.Cancelled, CancellationToken.None);
            cancellationToken.ThrowIfCancellationRequested();
        }

        if (gates.Enter(model, call.StepId, longestWait) is { } held)
        {
            return await HoldBackAsync(call, model, held);
        }

        log.ModelCallBegun(
            call.StepId, call.Agent, model.Definition.Provider, model.Definition.Model, call.Attempt, conversation.Messages.Count, conversation.Characters);
        TraceMessages(call, conversation);
        using var operation = ChatOperation.Begin(model, conversation, options.TracesMessages, timeProvider);
        ChatResponse response;
        try
        {
            CurrentCall.Value = call;
            response = await CallAsync(model.Client, conversation, agent.Timeout, cancellationToken);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            var failed = Failed(call, exception, agent, model.Definition) with { Provider = model.Definition.Provider };
            var failure = failed.Error!;
            operation?.Fail(failure.Code);

            // Before the record, which may fail: other calls wait for what this one has found.
            if (gates.Fail(model, call.StepId, failure) is { } until)
            {
                log.DeploymentFails(model.Definition.Provider, model.Definition.Model, until, failure.Code);
            }

            await (Settlement.MayBePaid(exception)
                ? ledger.LeaveUnsettledAsync(call.StepId, failure.Code, CancellationToken.None)
                : ledger.FailAsync(call.StepId, failure.Code, CancellationToken.None));
            return failed;
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            operation?.Fail(ErrorCodes.Cancelled);
            gates.Cancel(model, call.StepId);
            log.ModelCallCancelled(call.StepId);
            await ledger.LeaveUnsettledAsync(call.StepId, ErrorCodes.Cancelled, CancellationToken.None);
            throw;
        }

        // Not cancelled any more: the answer is paid for, and this is the moment to keep it.
        var received = ToLedger(conversation, response, model.Definition);
        operation?.Answer(response, received);
        if (gates.Leave(model, call.StepId, received.InputTokens + received.OutputTokens))
        {
            log.DeploymentAnswers(model.Definition.Provider, model.Definition.Model);
        }

        var answer = await ledger.CompleteAsync(call.StepId, received, CancellationToken.None);
        log.ModelCallAnswered(call.StepId, answer.InputTokens, answer.OutputTokens);
        log.ModelCallAnsweredBy(call.StepId, answer.ResponseModel, answer.FinishReason, answer.ProviderRequestId);
        log.AnswerReceived(call.StepId, answer.Content);
        if (response.AdditionalProperties?.GetValueOrDefault(AnswerProperties.Replaced) is int replaced)
        {
            log.CharactersReplaced(call.StepId, replaced);
        }

        var result = await _answers.ReadAsync(call, agent, model.Definition, answer, fromLedger: false, cancellationToken);
        if (result.Error is { } error)
        {
            LogFailed(call, error);
        }

        return result;
    }

    private async Task<AgentCallResult> HoldBackAsync(AgentCall call, ResolvedModel model, HeldCall held)
    {
        // Nothing was asked, so nothing can have been paid.
        await ledger.FailAsync(call.StepId, held.Error?.Code ?? ErrorCodes.RateLimited, CancellationToken.None);
        if (held.Wait is { } wait)
        {
            log.ModelCallWaits(call.StepId, wait.Until, wait.Reason);
            CallMetrics.NoteThrottled(model, wait);
            return new AgentCallResult { Wait = wait };
        }

        LogFailed(call, held.Error!);
        return new AgentCallResult { Error = held.Error, Provider = model.Definition.Provider };
    }

    /// <summary>
    /// Calls the model within a limit. A client that heeds cancellation closes its connection; one that does not is left alone,
    /// so that the activity ends in time either way.
    /// </summary>
    private async Task<ChatResponse> CallAsync(IChatClient client, Conversation conversation, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(timeout, timeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        var answer = client.GetResponseAsync(conversation.Messages, conversation.Options, either.Token);
        try
        {
            return await answer.WaitAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException();
        }
        finally
        {
            // An abandoned call must not bring the process down when it fails later.
            _ = answer.ContinueWith(static task => task.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
        }
    }

    private LedgerAnswer ToLedger(Conversation conversation, ChatResponse response, ModelDefinition model)
    {
        var isOffline = model.Provider == OfflineProvider.ProviderName;
        var tokens = TokenCount.Of(conversation, response);
        return new LedgerAnswer
        {
            Content = RecordedAnswer.From(response).Write(),
            ProviderRequestId = response.AdditionalProperties?.GetValueOrDefault(AnswerProperties.RequestId) as string ?? response.ResponseId,
            ResponseModel = response.ModelId ?? model.Model,
            FinishReason = response.FinishReason?.Value,
            InputTokens = tokens.Input,
            CachedInputTokens = tokens.CachedInput,
            OutputTokens = tokens.Output,
            ReasoningTokens = tokens.Reasoning,
            IsEstimated = tokens.IsEstimated,
            CostUsd = isOffline ? 0 : options.Prices.Cost(response.ModelId, model.Model, tokens.Input, tokens.CachedInput, tokens.Output),
        };
    }

    private AgentCallResult Failed(AgentCall call, Exception exception, AgentDefinition? agent, ModelDefinition? model = null)
    {
        var error = ErrorClassifier.Classify(exception, timeProvider);
        if (error.Code == ErrorCodes.Timeout && exception is TimeoutException && agent is not null)
        {
            error = error with { Message = $"Agent \"{call.Agent}\" got no answer from model \"{call.Model}\" within its limit of {agent.Timeout.TotalSeconds:0.###} s (\"timeout\" of the agent)." };
        }

        if (agent is not null && model is not null)
        {
            error = RefusedSettings.Explain(error, exception, model, definitions.Get(call.Scope.DefinitionHash).Models.ContainsKey(call.Model), agent);
        }

        if (exception is Azure.Identity.AuthenticationFailedException)
        {
            // A page of it.
            log.ModelCallFailedBecause(call.StepId, exception.Message);
        }

        if (error.Code == ErrorCodes.ActivityFailed)
        {
            log.ModelCallBroke(call.StepId, exception.GetType().FullName, exception.StackTrace);
            log.ModelCallFailedBecause(call.StepId, exception.Message);
        }
        else
        {
            LogFailed(call, error);
        }

        return new AgentCallResult { Error = error };
    }

    private void LogFailed(AgentCall call, CallError error)
    {
        log.ModelCallFailed(call.StepId, error.Code, error.Kind);
        log.ModelCallFailedBecause(call.StepId, error.Message);
    }

    private void TraceMessages(AgentCall call, Conversation conversation)
    {
        if (log.IsEnabled(LogLevel.Trace))
        {
            for (var i = 0; i < conversation.Messages.Count; i++)
            {
                log.MessageSent(call.StepId, i, conversation.Messages[i].Role.Value, conversation.Messages[i].Text);
            }
        }
    }
}
