using Polyphony.Core.Workflows;

namespace Polyphony.Core.Interpreter;

/// <content>Agents.</content>
internal sealed partial class ActivationRunner
{
    /// <summary>
    /// Runs an agent: its model, then that model's fallbacks, when a model has failed for good or lets the call wait for longer than <c>maxWait</c>. When none of the others has
    /// answered, those that asked for patience get it, the one that is ready first before the others. With each model, calls follow one another until there is an answer: failed calls
    /// are tried again by the retry policy, an answer that does not fit its schema is repaired once, requests for tools are served and the
    /// results handed back.
    /// </summary>
    private async Task<WorkResult> RunAgentAsync(Activation activation, string agentName, int firstCall, WorkLimit limit)
    {
        var agent = plan.Definition.Agents[agentName];
        agent = activation.Node is AgentNode node ? agent.In(node) : agent;
        var total = new WorkResult { Agent = agentName, NextCall = firstCall };
        var models = ModelsOf(agent);
        var postponed = new List<(string Model, CallWait Wait)>();
        for (var i = 0; i < models.Count; i++)
        {
            // What follows on an alias of the host comes with the first result.
            bool? othersFollow = i < models.Count - 1 || postponed.Count > 0 ? true : i > 0 ? false : null;
            var result = await RunModelAsync(activation, agent, models[i], othersFollow, total.NextCall, limit);
            if (i == 0 && result.Fallback.Count > 0)
            {
                models = [.. models, .. result.Fallback];
            }

            total = Add(total, result);
            if (IsOver(total))
            {
                return total;
            }

            if (result.Postponed is { } wait)
            {
                postponed.Add((models[i], wait));
            }
        }

        foreach (var (model, wait) in postponed.OrderBy(each => each.Wait.Until))
        {
            if (!await DelayAsync(activation, wait, total.Error, limit.Ending))
            {
                return total with { IsStopped = true };
            }

            total = Add(total, await RunModelAsync(activation, agent, model, false, total.NextCall, limit));
            if (IsOver(total))
            {
                break;
            }
        }

        return total;

        WorkResult Add(WorkResult before, WorkResult result) =>
            result with { Attempts = result.Attempts + before.Attempts, Usage = result.Usage + before.Usage, Agent = agentName };

        bool IsOver(WorkResult result) => (result.Error is null && result.Postponed is null) || result.IsStopped || limit.Ending.IsCancellationRequested;
    }

    private IReadOnlyList<string> ModelsOf(AgentDefinition agent) =>
        plan.Definition.Models.TryGetValue(agent.Model, out var model) ? [agent.Model, .. model.Fallback] : [agent.Model];

    /// <summary>Asks one model until there is an answer, it has failed for good, or it lets the call wait for too long.</summary>
    /// <param name="activation">The activation.</param>
    /// <param name="agent">The agent.</param>
    /// <param name="model">The model.</param>
    /// <param name="othersFollow">Whether there is another model to ask; <see langword="null"/>: if the first result names some.</param>
    /// <param name="firstCall">The number of the first call.</param>
    /// <param name="limit">How long it goes on.</param>
    private async Task<WorkResult> RunModelAsync(
        Activation activation, AgentDefinition agent, string model, bool? othersFollow, int firstCall, WorkLimit limit)
    {
        var explicitRetry = activation.Node.Retry ?? agent.Retry;
        var policy = explicitRetry ?? DefaultRetry;
        var call = firstCall;
        var attempt = 0;
        var repaired = false;
        var tools = new ToolRounds(calls);
        RepairRequest? repair = null;
        var work = new WorkResult();
        while (true)
        {
            if (limit.Ending.IsCancellationRequested || stop.IsRequested)
            {
                return work with { IsStopped = true };
            }

            if (await budget.TakeTurnAsync(limit.Ending) is { } reached)
            {
                stop.RequestAtLimit(reached);
                return work with { IsStopped = true };
            }

            if (limit.Ending.IsCancellationRequested || stop.IsRequested)
            {
                return work with { IsStopped = true };
            }

            attempt++;
            observer.OnAttempt(activation);
            var result = Judge(agent, model, await CallModelAsync(activation, agent, model, othersFollow, call, attempt, tools, repair, limit));
            var isFromBefore = result.FromLedger && rewinds > 0;
            if (isFromBefore || result.Wait is not null)
            {
                // It was booked when it was paid, before the instance failed; or nothing was asked.
                budget.GiveBackTurn();
            }
            else
            {
                budget.Add(result.Usage);
                stop.StopOthersAtLimit(budget);
            }

            work = work with
            {
                Attempts = work.Attempts + (result.Wait is null ? 1 : 0),
                Usage = work.Usage + result.Usage,
                Provider = result.Provider ?? work.Provider,
                Model = result.ResponseModel ?? work.Model,
                FinishReason = result.Usage.Turns > 0 ? result.FinishReason : work.FinishReason,
                Fallback = result.Fallback ?? [],
            };
            if (result.Error?.Code == ErrorCodes.Cancelled)
            {
                // It was begun, and may be answered all the same: its number is taken.
                return work with { IsStopped = true, NextCall = call + 1 };
            }

            var mayPostpone = othersFollow ?? work.Fallback.Count > 0;
            if (result.Wait is { } wait)
            {
                attempt--;
                if (mayPostpone && wait.Until - Context.CurrentUtcDateTime > agent.MaxWait)
                {
                    return work with { Postponed = wait, NextCall = call };
                }

                if (!await DelayAsync(activation, wait, null, limit.Ending))
                {
                    return work with { IsStopped = true };
                }

                continue;
            }

            if (result.Output is not null)
            {
                return work with { Output = result.Output, NextCall = call + 1 };
            }

            // Whoever rewinds wants to have it tried again: an answer from before that led nowhere (refused, cut off, unfit) is not an answer now.
            if (isFromBefore && result.ToolCalls is null)
            {
                call++;
                attempt = 0;
                repair = null;
                continue;
            }

            if (result.Invalid is not null)
            {
                // The answer is in the ledger under this call's number: the next call needs another.
                call++;
                attempt = 0;
                if (repaired)
                {
                    return work with { Error = result.Error, NextCall = result.Usage.Turns > 0 ? call + 1 : call };
                }

                repaired = true;
                repair = result.Invalid;
                continue;
            }

            if (result.ToolCalls is { } requested)
            {
                call++;
                attempt = 0;
                if (tools.Count >= agent.MaxToolRounds)
                {
                    if (isFromBefore)
                    {
                        continue;
                    }

                    return work with
                    {
                        Error = new CallError(
                            ErrorCodes.TooManyToolRounds,
                            $"Agent \"{agent.Name}\" asked for more than {agent.MaxToolRounds} rounds of tool calls. Raise maxToolRounds, or tell it when to stop.",
                            ErrorKind.Terminal),
                        NextCall = call,
                    };
                }

                if (limit.Ending.IsCancellationRequested || stop.IsRequested)
                {
                    return work with { IsStopped = true };
                }

                var results = await Task.WhenAll(requested.Select(tool => CallToolAsync(activation, tool, limit)));
                if (results.Any(IsCancelled))
                {
                    return work with { IsStopped = true, NextCall = call };
                }

                tools.Add(new ToolRound(requested, results, result.Beside));
                continue;
            }

            var error = result.Error ?? new CallError(ErrorCodes.ActivityFailed, "The activity returned neither an answer nor an error.", ErrorKind.Terminal);

            // An answer that is an error (refused, cut off, empty) is in the ledger under this call's number: another attempt and a fallback need another.
            work = work with { NextCall = result.Usage.Turns > 0 ? call + 1 : call };
            if (mayPostpone && error.Kind != ErrorKind.Terminal && error.RetryAfterMs is { } asked && asked > agent.MaxWait.TotalMilliseconds)
            {
                var until = Context.CurrentUtcDateTime.AddMilliseconds(asked);
                return work with { Error = error, Postponed = new CallWait(until, CallWaitReasons.RetryAfter, CallWait.Shorten(error.Message)) };
            }

            if (!MayRetry(error, attempt, policy, explicitRetry is not null) || !await DelayAsync(activation, policy, attempt, error, limit.Ending))
            {
                return work with { Error = error };
            }

            call = work.NextCall;
        }
    }

    /// <summary>Makes an error of a text that was cut off, where that is wanted.</summary>
    private static AgentCallResult Judge(AgentDefinition agent, string model, AgentCallResult result) =>
        result is { Output: not null, Usage.CutOffTurns: > 0 } && agent.OnTruncation == TruncationPolicy.Fail
            ? result with
            {
                Output = null,
                Error = new CallError(
                    ErrorCodes.Truncated,
                    $"The answer of agent \"{agent.Name}\" was cut off after {result.Usage.OutputTokens} tokens (finish reason \"length\"). Raise \"maxOutputTokens\" of model \"{model}\", ask for less, or set onTruncation: keep.",
                    ErrorKind.Terminal),
            }
            : result;

    private Task<AgentCallResult> CallModelAsync(
        Activation activation, AgentDefinition agent, string model, bool? othersFollow, int call, int attempt, ToolRounds tools, RepairRequest? repair, WorkLimit limit)
    {
        var besides = activation.Context.Sum(message => RunCalls.SizeOf(message.Content) + 100)
            + tools.Bytes + RunCalls.SizeOf(repair?.Answer) + (repair?.Violations.Sum(violation => violation.Length * 3) ?? 0);
        var request = new AgentCall
        {
            Scope = activation.Scope,
            Agent = agent.Name,
            Model = model,
            Call = call,
            Attempt = attempt,
            MayFallBack = othersFollow,
            Prompt = activation.Prompt,
            Context = activation.Context,
            PackedContext = activation.PackedContext,
            PackedToolRounds = tools.Packed,
            ToolRounds = tools.Recent,
            Repair = repair,
            Deadline = limit.Deadline,
        };
        if (!RunCalls.Fits(request.Scope, besides) || tools.AreLarge)
        {
            return CallLargeAsync(request, besides, tools, limit.Calls);
        }

        return activation.Gatherer?.CallAgentAsync(request, RunCalls.SizeOf(request.Scope) + besides, limit.Calls) ?? calls.CallAgentAsync(request, limit.Calls);
    }

    /// <summary>Moves what is too large to the payload store and calls the model.</summary>
    private async Task<AgentCallResult> CallLargeAsync(AgentCall request, int besides, ToolRounds tools, CancellationToken cancelled)
    {
        if (tools.AreLarge)
        {
            besides -= tools.Bytes;
            await tools.PackAsync();
            besides += tools.Bytes;
        }

        request = request with
        {
            Scope = await calls.ShrinkAsync(request.Scope, besides),
            PackedToolRounds = tools.Packed,
            ToolRounds = tools.Recent,
        };
        return await calls.CallAgentAsync(request, cancelled);
    }

    private async Task<ToolCallResult> CallToolAsync(Activation activation, RequestedToolCall requested, WorkLimit limit)
    {
        for (var attempt = 1; ; attempt++)
        {
            var call = new ToolCall
            {
                Scope = activation.Scope with { Input = null, Nodes = null },
                Tool = requested.Tool,
                Arguments = requested.Arguments,
                CallId = requested.CallId,
                Attempt = attempt,
                Deadline = limit.Deadline,
            };
            var result = await calls.CallToolAsync(call, limit.Calls);
            if (result.Error is not { } error || !MayRetry(error, attempt, DefaultRetry, isExplicit: false) || !await DelayAsync(activation, DefaultRetry, attempt, error, limit.Ending))
            {
                // A failure is an answer too: the model is told and decides.
                return result;
            }
        }
    }

    private static bool IsCancelled(ToolCallResult result) => result.Error?.Code == ErrorCodes.Cancelled;
}
