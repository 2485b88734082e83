using System.Text;
using System.Text.Json;
using Polyphony.Core.Definitions;
using Polyphony.Core.Json;
using Polyphony.Core.Locks;
using Polyphony.Core.Nodes;
using Polyphony.Core.Payloads;

namespace Polyphony.Core.Runs;

/// <summary>
/// Runs single activations: the work of the node's kind, its time limit, and its error policy. Everything that takes time is a durable task, so a waiting
/// activation holds nothing but memory.
/// </summary>
internal sealed class ActivationRunner
{
    private readonly ActivationContext _context;
    private readonly NodeRunnerServices _services;
    private readonly Dictionary<NodeKind, INodeRunner> _runners = [];

    public ActivationRunner(ActivationContext context)
    {
        _context = context;
        Children = new ChildRuns(context);
        _services = new NodeRunnerServices(context, new RetryDelays(context), new EventWait(context), Children);
    }

    /// <summary>Gets what names and stops child orchestrations.</summary>
    public ChildRuns Children { get; }

    /// <summary>Runs an activation to its end, error policy included.</summary>
    public async Task<ActivationEnd> RunAsync(Activation activation)
    {
        if (activation.Node.Lock is null || _context.Locks is not { } locks)
        {
            return await RunAsync(activation, null);
        }

        var section = new ActivationLocks(_context, locks, activation);
        var end = await RunAsync(activation, section);
        if (end.Abandoned is { IsCompleted: false } abandoned)
        {
            _ = section.ReleaseAfterAsync(abandoned);
        }
        else
        {
            section.Release();
        }

        return end;
    }

    private async Task<ActivationEnd> RunAsync(Activation activation, ActivationLocks? section)
    {
        var started = _context.Now;
        var work = activation.Node.Kind.WaitsOutside || activation.Node.Timeout is not { } limit
            ? await WorkAsync(activation, section, _context.Stop.Limit)
            : await WithTimeoutAsync(activation, section, (activation.Wait is { IsForLock: true } carried ? carried.Deadline : null) ?? started + limit);
        (work, var error, var status) = await WriteOrHandleAsync(activation, section, work);
        return work.IsStopped ? new ActivationEnd(null, work.Abandoned) { Stopped = work } : EndOf(activation, work, error, status, started);
    }

    /// <summary>Writes to the state what a completed activation writes, and applies the error policy to one that has failed.</summary>
    private async Task<(WorkResult Work, CallError? Error, string Status)> WriteOrHandleAsync(Activation activation, ActivationLocks? section, WorkResult work)
    {
        if (work is { Error: null, IsStopped: false })
        {
            work = await WriteAsync(activation, work);
        }

        var status = NodeResult.Completed;
        var error = work.Error;
        if (error is not null && !work.IsStopped)
        {
            (work, status) = await HandleAsync(activation, section, work, error);
            if (status == NodeResult.Completed && !work.IsStopped)
            {
                work = await WriteAsync(activation, work);
                (error, status) = work.Error is { } unfit ? (unfit, NodeResult.Failed) : (error, status);
            }
        }

        return (work, error, status);
    }

    private ActivationEnd EndOf(Activation activation, WorkResult work, CallError? error, string status, DateTimeOffset started) =>
        new(new Outcome
        {
            Activation = activation.Id,
            Node = activation.Node.Name,
            Order = activation.Order,
            Index = activation.Scope.Index,
            Kind = activation.Node.Kind.Name,
            Agent = work.Agent,
            Status = status,
            Result = status == NodeResult.Completed ? work.Output ?? Payload.Null : null,
            Error = error is null ? null : ErrorText.Shorten(error),
            Attempts = work.Attempts,
            Usage = work.Usage,
            Provider = work.Provider,
            Model = work.Model,
            FinishReason = work.FinishReason,
            StartedTime = started,
            EndedTime = _context.Now,
        }, work.Abandoned)
        {
            Written = status == NodeResult.Completed ? work.Written : null,
            HandoffText = status == NodeResult.Completed ? work.HandoffText : null,
        };

    /// <summary>Finds what a completed activation writes to the state. What does not fit is an error of the activation, like an output that does not.</summary>
    private async Task<WorkResult> WriteAsync(Activation activation, WorkResult work)
    {
        var writes = activation.Node.Writes;
        if (writes.Count == 0)
        {
            return work;
        }

        var variables = new Dictionary<string, Payload>(activation.Scope.Variables ?? new Dictionary<string, Payload>(), StringComparer.Ordinal)
        {
            ["output"] = work.Output ?? Payload.Null,
        };
        var scope = activation.Scope with { Variables = variables };
        var values = new List<(string Name, Payload Value)>();
        for (var i = 0; i < writes.Count; i++)
        {
            var value = await _context.Calls.EvaluateAsync(new ExpressionSite(ExpressionSiteKind.Write, i), scope);
            if (value.Error is { } error)
            {
                return work with { Error = error };
            }

            values.Add((writes[i].Name, value.Value!));
        }

        var definition = _context.Plan.Definition;
        return work with { Written = work.Written.Then(definition, StateChange.Of(definition, values)) };
    }

    /// <summary>Applies the node's error policy.</summary>
    private async Task<(WorkResult Work, string Status)> HandleAsync(Activation activation, ActivationLocks? section, WorkResult work, CallError error)
    {
        switch (activation.Node.OnError)
        {
            case { Kind: ErrorPolicyKind.Skip }:
                return (work, NodeResult.Skipped);
            case { Kind: ErrorPolicyKind.Value }:
                var variables = new Dictionary<string, Payload>(activation.Scope.Variables ?? new Dictionary<string, Payload>(), StringComparer.Ordinal)
                {
                    ["error"] = Json($$"""{"code":{{Quote(error.Code)}},"message":{{Quote(ErrorText.Shorten(error.Message))}}}"""),
                };
                var value = await _context.Calls.EvaluateAsync(new ExpressionSite(ExpressionSiteKind.ErrorValue), activation.Scope with { Variables = variables });
                return value.Error is null
                    ? (work with { Output = value.Value, Error = null, Written = StateChange.None }, NodeResult.Completed)
                    : (work with { Error = value.Error }, NodeResult.Failed);
            case { Kind: ErrorPolicyKind.Agent, Agent: { } agent } when !_context.Stop.IsRequested && section?.IsTaken != false:
                if (work.Abandoned is not null)
                {
                    await work.Abandoned;
                }

                var other = await StandInAsync(activation, agent, work.NextCall);
                return (other with { Attempts = other.Attempts + work.Attempts, Usage = other.Usage + work.Usage }, other.Error is null ? NodeResult.Completed : NodeResult.Failed);
            default:
                return (work, NodeResult.Failed);
        }
    }

    private async Task<WorkResult> StandInAsync(Activation activation, string agent, int firstCall)
    {
        try
        {
            return await _services.Agents.RunAsync(activation, agent, firstCall, _context.Stop.Limit);
        }
        catch (Exception exception) when (RunCalls.ErrorOf(exception) is { } error)
        {
            return new WorkResult { Error = error, Attempts = 1, Agent = agent };
        }
    }

    private async Task<WorkResult> WithTimeoutAsync(Activation activation, ActivationLocks? section, DateTimeOffset deadline)
    {
        // Not disposed: abandoned work still looks at them.
        var ending = CancellationTokenSource.CreateLinkedTokenSource(_context.Stop.Token);
        var cancelled = CancellationTokenSource.CreateLinkedTokenSource(_context.Stop.Calls);
        var work = WorkAsync(activation, section, new WorkLimit(ending.Token, cancelled.Token, deadline));
        if (work.IsCompleted)
        {
            return await work;
        }

        var timer = _context.Calls.CreateTimerAsync(deadline, cancelled.Token);
        if (await Task.WhenAny(work, timer) == timer && !work.IsCompleted && !_context.Stop.Calls.IsCancellationRequested)
        {
            // A child is asked to stop, and is waited for until it has; calls end here and now.
            ending.Cancel();
            cancelled.Cancel();
            return TimedOut(activation, work.IsCompleted ? await work : new WorkResult { Attempts = 1, Abandoned = work });
        }

        var result = await work;
        cancelled.Cancel();

        // A call knows the deadline too, and may find it over before the timer does.
        return result.IsStopped && !_context.Stop.IsRequested ? TimedOut(activation, result) : result;
    }

    private static WorkResult TimedOut(Activation activation, WorkResult work) => work with
    {
        IsStopped = false,
        Output = null,
        Error = new CallError(
            ErrorCodes.Timeout,
            $"\"{activation.Id}\" took longer than its limit of {Duration.Format(activation.Node.Timeout!.Value)}.",
            ErrorKind.Terminal),
    };

    /// <summary>Does a node's own work. What has to be passed on and is too large, or a value that is lost, ends this activation and not the run.</summary>
    private async Task<WorkResult> WorkAsync(Activation activation, ActivationLocks? section, WorkLimit limit)
    {
        try
        {
            if (section is not null)
            {
                if (await section.TakeAsync(limit) is { } ended)
                {
                    return ended;
                }

                activation = activation with { HoldsLock = true };
            }

            return await RunnerOf(activation.Node.Kind).RunAsync(await WithGivenStoredAsync(activation), limit);
        }
        catch (Exception exception) when (RunCalls.ErrorOf(exception) is { } error)
        {
            return new WorkResult { Error = error, Attempts = 1 };
        }
    }

    /// <summary>Moves what C# code gives a call to the payload store where it is large.</summary>
    private async Task<Activation> WithGivenStoredAsync(Activation activation) =>
        activation.Prompt is { IsInline: true } prompt && !Payload.MayBeInline(prompt.Text) ? activation with { Prompt = await _context.Calls.StoreAsync(prompt) }
        : activation.Arguments is { IsInline: true } arguments && !Payload.MayBeInline(arguments.Text) ? activation with { Arguments = await _context.Calls.StoreAsync(arguments) }
        : activation;

    private INodeRunner RunnerOf(NodeKind kind)
    {
        if (!_runners.TryGetValue(kind, out var runner))
        {
            _runners[kind] = runner = kind.CreateRunner(_services);
        }

        return runner;
    }

    private static Payload Json(string json) => Payload.Inline(JsonElement.Parse(Encoding.UTF8.GetBytes(json), JsonLimits.Document));

    private static string Quote(string text) => JsonSerializer.Serialize(text, CoreJsonContext.Default.String);
}
