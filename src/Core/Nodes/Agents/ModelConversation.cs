using Polyphony.Core.Definitions;
using Polyphony.Core.Nodes.Teams;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Nodes.Agents;

/// <summary>
/// Asks one model until there is an answer, it has failed for good, or it lets the call wait for too long. Calls follow one another: failed ones are tried again by the retry policy, an
/// answer that does not fit its schema is repaired once, requests for tools are served and the results handed back.
/// </summary>
/// <param name="context">What activations share.</param>
/// <param name="delays">The delays between attempts.</param>
/// <param name="activation">The activation.</param>
/// <param name="agent">The agent.</param>
/// <param name="model">The model.</param>
/// <param name="othersFollow">Whether there is another model to ask; <see langword="null"/>: if the first result names some.</param>
/// <param name="limit">How long it lasts.</param>
/// <param name="firstCall">The number of the first call.</param>
/// <param name="tools">The rounds of tool calls so far: those that another model of the agent has asked for as well, since they are not made again.</param>
/// <param name="caller">Makes the tool calls.</param>
internal sealed class ModelConversation(
    ActivationContext context, RetryDelays delays, Activation activation, AgentDefinition agent, string model, bool? othersFollow, WorkLimit limit, int firstCall, ToolRounds tools, ToolCaller caller)
{
    private readonly CallNumber _call = new(firstCall);
    private readonly AttemptCount _attempts = new(activation.Node.Retry ?? agent.Retry);
    private readonly AnswerRepair _repair = new();
    private readonly IReadOnlyDictionary<string, string>? _workflows = context.WorkflowsOf(agent);
    private WorkResult _work = new();

    private WorkResult Stopped => _work with { IsStopped = true };

    private bool MayPostpone => othersFollow ?? _work.Fallback.Count > 0;

    /// <summary>Asks until there is an end.</summary>
    public async Task<WorkResult> RunAsync()
    {
        while (await TryBeginAsync())
        {
            var result = Judge(await CallAsync());
            Book(result);
            if (await GoOnAsync(result) is { } end)
            {
                return end;
            }
        }

        return Stopped;
    }

    /// <summary>Takes the next call from the budget.</summary>
    /// <returns>False: the run or the activation is ending.</returns>
    private async Task<bool> TryBeginAsync()
    {
        if (context.IsEnding(limit))
        {
            return false;
        }

        if (await context.Budget.TakeCallAsync(limit.Ending) is { } reached)
        {
            context.Stop.RequestAtLimit(reached);
            return false;
        }

        if (context.IsEnding(limit))
        {
            return false;
        }

        _attempts.Begin();
        context.Observer.OnAttempt(activation);
        return true;
    }

    private void Book(AgentCallResult result)
    {
        if (IsFromBefore(result) || result.Wait is not null)
        {
            // It was booked when it was paid, before the instance failed; or nothing was asked.
            context.Budget.GiveBackCall();
        }
        else
        {
            context.Budget.Add(result.Usage);
            context.Stop.StopOthersAtLimit(context.Budget);
        }

        _work = _work with
        {
            Attempts = _work.Attempts + (result.Wait is null ? 1 : 0),
            Usage = _work.Usage + result.Usage,
            Provider = result.Provider ?? _work.Provider,
            Model = result.ResponseModel ?? _work.Model,
            FinishReason = result.Usage.ModelCalls > 0 ? result.FinishReason : _work.FinishReason,
            Fallback = result.Fallback ?? [],
        };
    }

    /// <summary>Does what follows from a result.</summary>
    /// <returns>How it ended; <see langword="null"/>: there is another call.</returns>
    private async Task<WorkResult?> GoOnAsync(AgentCallResult result) => result switch
    {
        // It was begun, and may be answered all the same: its number is taken.
        { Error.Code: ErrorCodes.Cancelled } => Stopped with { NextCall = _call.Current + 1 },
        { Wait: { } wait } => await WaitAsync(wait),
        { Output: not null } => _work with { Output = result.Output, NextCall = _call.Current + 1 },
        { ToolCalls: null } when IsFromBefore(result) => AskAnew(),
        { Invalid: { } invalid } => Repair(result, invalid),
        { ToolCalls: { } requested } => await ServeAsync(result, requested),
        _ => await RetryAsync(result),
    };

    private async Task<WorkResult?> WaitAsync(CallWait wait)
    {
        _attempts.GiveBack();
        if (MayPostpone && (wait.Reason == CallWaitReasons.CircuitOpen || wait.Until - context.Now > agent.MaxWait))
        {
            return _work with { Postponed = wait, NextCall = _call.Current };
        }

        return await delays.WaitAsync(activation, wait, null, limit.Ending) ? null : Stopped;
    }

    /// <summary>Whoever rewinds wants to have it tried again: an answer from before that led nowhere (refused, cut off, unfit) is not an answer now.</summary>
    private WorkResult? AskAnew()
    {
        TakeAnother();
        _repair.Forget();
        return null;
    }

    private WorkResult? Repair(AgentCallResult result, RepairRequest invalid)
    {
        TakeAnother();
        return _repair.TryBegin(invalid) ? null : _work with { Error = result.Error, NextCall = _call.After(result) };
    }

    /// <summary>Calls the tools that the model asks for, several at the same time.</summary>
    private async Task<WorkResult?> ServeAsync(AgentCallResult result, IReadOnlyList<RequestedToolCall> requested)
    {
        var asking = _call.Current;
        TakeAnother();
        if (tools.Count >= agent.MaxToolRounds)
        {
            return IsFromBefore(result) ? null : _work with
            {
                Error = new CallError(
                    ErrorCodes.TooManyToolRounds,
                    $"Agent \"{agent.Name}\" asked for more than {agent.MaxToolRounds} rounds of tool calls. Raise maxToolRounds, or tell it when to stop.",
                    ErrorKind.Terminal),
                NextCall = _call.Current,
            };
        }

        if (context.IsEnding(limit))
        {
            return Stopped;
        }

        if (requested is [var alone] && IsHandoff(alone) && HandoffTool.Read(alone.Arguments, activation.Handoffs, out var message) is null)
        {
            return _work with { Output = message, HandoffText = result.HandoffText, NextCall = _call.Current };
        }

        // Named by the model call and the place in its answer: ids that models give are not unique.
        var ends = await Task.WhenAll(requested.Select((each, place) =>
            IsHandoff(each) ? Task.FromResult(new ToolCallEnd(Refuse(each, requested.Count == 1))) : CallToolAsync(each, $"{asking}.{place}")));
        _work = _work with { Usage = ends.Aggregate(_work.Usage, (sum, end) => sum + end.Usage) };
        if (ends.Any(end => end.Result.IsCancelled))
        {
            return Stopped with { NextCall = _call.Current };
        }

        if (ends.FirstOrDefault(end => end.IsFatal) is { } fatal)
        {
            return _work with { Error = fatal.Result.Error, NextCall = _call.Current, IsFatal = true };
        }

        tools.Add(new ToolRound(requested, [.. ends.Select(end => end.Result)], result.Beside), context.Plan.Definition);
        return null;
    }

    private bool IsHandoff(RequestedToolCall requested) => activation.Handoffs.Count > 0 && requested.Tool == HandoffTool.Name;

    /// <summary>Tells the model what is wrong with a handoff. One beside other calls would lose their results.</summary>
    private ToolCallResult Refuse(RequestedToolCall handoff, bool isAlone)
    {
        var problem = isAlone ? HandoffTool.Read(handoff.Arguments, activation.Handoffs, out _) : null;
        return new ToolCallResult(null, new CallError(
            ErrorCodes.ToolArgumentsInvalid, problem ?? "Nobody was handed to: call this tool alone, once you have what the others return.", ErrorKind.Terminal));
    }

    private async Task<WorkResult?> RetryAsync(AgentCallResult result)
    {
        var error = result.Error ?? new CallError(ErrorCodes.ActivityFailed, "The activity returned neither an answer nor an error.", ErrorKind.Terminal);

        // An answer that is an error (refused, cut off, empty) is in the ledger under this call's number: another attempt and a fallback need another.
        _work = _work with { NextCall = _call.After(result) };
        if (MayPostpone && error.Kind != ErrorKind.Terminal && error.RetryAfterMs is { } asked && asked > agent.MaxWait.TotalMilliseconds)
        {
            var until = context.Now.AddMilliseconds(asked);
            return _work with { Error = error, Postponed = new CallWait(until, CallWaitReasons.RetryAfter, CallWait.Shorten(error.Message)) };
        }

        if (!_attempts.MayRetry(error) || !await delays.WaitAsync(activation, _attempts.Policy, _attempts.Current, error, limit.Ending))
        {
            return _work with { Error = error };
        }

        _call.Follow(result);
        return null;
    }

    private void TakeAnother()
    {
        _call.Advance();
        _attempts.Restart();
    }

    private bool IsFromBefore(AgentCallResult result) => result.FromLedger && context.Rewinds > 0;

    /// <summary>Makes an error of a text that was cut off, where that is wanted.</summary>
    private AgentCallResult Judge(AgentCallResult result) =>
        result is { Output: not null, Usage.CutOffCalls: > 0 } && agent.OnTruncation == TruncationPolicy.Fail
            ? result with
            {
                Output = null,
                Error = new CallError(
                    ErrorCodes.Truncated,
                    $"The answer of agent \"{agent.Name}\" was cut off after {result.Usage.OutputTokens} tokens (finish reason \"length\"). Raise \"maxOutputTokens\" of model \"{model}\", ask for less, or set onTruncation: keep.",
                    ErrorKind.Terminal),
            }
            : result;

    private Task<AgentCallResult> CallAsync()
    {
        var besides = activation.Context.Sum(message => RunCalls.SizeOf(message.Content) + 100)
            + tools.Bytes + RunCalls.SizeOf(_repair.Request?.Answer) + (_repair.Request?.Violations.Sum(violation => violation.Length * 3) ?? 0);
        var request = new AgentCall
        {
            Scope = activation.Scope,
            Agent = agent.Name,
            Model = model,
            Call = _call.Current,
            Attempt = _attempts.Current,
            MayFallBack = othersFollow,
            Prompt = activation.Prompt,
            Context = activation.Context,
            PackedContext = activation.PackedContext,
            PackedToolRounds = tools.Packed,
            ToolRounds = tools.Recent,
            Workflows = _workflows,
            Repair = _repair.Request,
            Deadline = limit.Deadline,
        };
        if (!RunCalls.Fits(request.Scope, besides) || tools.AreLarge)
        {
            return CallLargeAsync(request, besides);
        }

        return activation.Gatherer?.CallAgentAsync(request, RunCalls.SizeOf(request.Scope) + besides, limit.Calls) ?? context.Calls.CallAgentAsync(request, limit.Calls);
    }

    /// <summary>Moves what is too large to the payload store and calls the model.</summary>
    private async Task<AgentCallResult> CallLargeAsync(AgentCall request, int besides)
    {
        if (tools.AreLarge)
        {
            besides -= tools.Bytes;
            await tools.PackAsync();
            besides += tools.Bytes;
        }

        request = request with
        {
            Scope = await context.Calls.ShrinkAsync(request.Scope, besides),
            PackedToolRounds = tools.Packed,
            ToolRounds = tools.Recent,
        };
        return await context.Calls.CallAgentAsync(request, limit.Calls);
    }

    private Task<ToolCallEnd> CallToolAsync(RequestedToolCall requested, string place)
    {
        var call = new ToolCall
        {
            Scope = activation.Scope with { Input = null, Nodes = null, State = null },
            Tool = requested.Tool,
            Arguments = requested.Arguments,
            CallId = requested.CallId,
            Agent = agent.Name,
            Workflows = _workflows,
            Place = place,
            Deadline = limit.Deadline,
        };

        // A failure is an answer too: the model is told and decides.
        return caller.CallAsync(activation, call, null, limit, attempt => context.Calls.CallToolAsync(attempt, limit.Calls));
    }
}
