using System.Text.Json;
using Polyphony.Core.CodeFirst;
using Polyphony.Core.Durable;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Nodes.Code;

/// <summary>Runs a C# function to its end, or until the run stops.</summary>
internal sealed class CodeNodeRunner(NodeRunnerServices services) : INodeRunner
{
    private readonly ActivationContext _context = services.Context;

    public async Task<WorkResult> RunAsync(Activation activation, WorkLimit limit)
    {
        var node = (CodeNode)activation.Node;
        if (_context.Code?.Find(node.Function) is not { } function)
        {
            return WorkResult.Failed(
                ErrorCodes.CodeNotFound, $"No C# workflow \"{node.Function}\" is registered on this host. Register it, then rewind the instance.");
        }

        _context.Observer.OnAttempt(activation);
        var evaluated = await _context.Calls.EvaluateAsync(new ExpressionSite(ExpressionSiteKind.WorkflowInput), activation.Scope);
        if (evaluated.Error is { } error)
        {
            return new WorkResult { Error = error, Attempts = 1 };
        }

        var workflow = new CodeWorkflow(_context, activation, evaluated.Value ?? Payload.Null);
        var running = RunAsync(function, workflow);
        await UntilEndedOrStoppedAsync(running, workflow, limit);
        if (!running.IsCompleted)
        {
            // It waits for a timer or an event that may be far away.
            workflow.Abandon();
            return WorkResult.Stopped with { Attempts = 1 };
        }

        // Code that the function has started and does not await must not act on what follows, such as another attempt after a rewind.
        var result = await running;
        workflow.Abandon();
        return result.Error is null ? result : await EndAsync(activation, workflow, result, limit);
    }

    /// <summary>Ends a function that has failed: like those of other nodes, its calls under way are finished, since their answers are of use after a rewind.</summary>
    private async Task<WorkResult> EndAsync(Activation activation, CodeWorkflow workflow, WorkResult result, WorkLimit limit)
    {
        var isStopped = _context.IsEnding(limit);
        if (!isStopped)
        {
            var error = ErrorText.Shorten(result.Error!);
            _context.Stop.Request(StopReason.Failed, new WorkflowError(activation.Id, error.Code, error.Message), finishCalls: true);
        }

        var stopped = new TaskCompletionSource();
        using var atOnce = limit.Calls.Register(() => stopped.TrySetResult());
        await Task.WhenAny(workflow.WaitForCallsAsync(), stopped.Task);
        return isStopped ? WorkResult.Stopped with { Attempts = 1 } : result;
    }

    private async Task<WorkResult> RunAsync(CodeWorkflowFunction function, CodeWorkflow workflow)
    {
        try
        {
            var output = await function(workflow, await workflow.ReadAsync(workflow.Input));
            return new WorkResult { Output = output is { } value ? await StoreAsync(value) : Payload.Null, Attempts = 1, Written = workflow.Written };
        }
        catch (AgentFailedException failed)
        {
            return Failed(failed.Error.Code, failed.Message);
        }
        catch (Exception exception) when (RunCalls.ErrorOf(exception) is { } error)
        {
            return new WorkResult { Error = error, Attempts = 1 };
        }
        catch (PolyphonyException exception) when (exception is not NonDeterministicOrchestrationException)
        {
            return Failed(exception.Code, exception.Message);
        }
        catch (Exception exception) when (exception is not NonDeterministicOrchestrationException)
        {
            return Failed(ErrorCodes.CodeFailed, $"{exception.GetType().Name}: {exception.Message}");
        }

        static WorkResult Failed(string code, string message) => WorkResult.Failed(code, ErrorText.Shorten(message));
    }

    /// <summary>Large outputs go to the payload store, as those of other nodes do.</summary>
    private async Task<Payload> StoreAsync(JsonElement value)
    {
        var output = Payload.Inline(value);
        return Payload.MayBeInline(output.Text) ? output : (await _context.Calls.StoreAllAsync([output]))[0];
    }

    private static async Task UntilEndedOrStoppedAsync(Task running, CodeWorkflow workflow, WorkLimit limit)
    {
        // Calls under way may run to their end while nothing new begins.
        var ending = new TaskCompletionSource();
        using var nothingNew = limit.Ending.Register(() => _ = EndAsync());
        using var atOnce = limit.Calls.Register(() => ending.TrySetResult());
        await Task.WhenAny(running, ending.Task);

        async Task EndAsync()
        {
            await workflow.WaitForCallsAsync();
            ending.TrySetResult();
        }
    }
}
