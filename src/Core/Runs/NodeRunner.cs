using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Polyphony.Core.Definitions;
using Polyphony.Core.Payloads;

namespace Polyphony.Core.Runs;

/// <summary>Runs single nodes beside the main loop: their expressions, their activations, and the conditions of their edges.</summary>
internal sealed class NodeRunner(
    RunContext run,
    NodeSchedule schedule,
    ContextBuilder contexts,
    ActivationSlots slots,
    WaitStates waits,
    OutcomeLog outcomes,
    ProgressReporter progress,
    ForEachRunner forEach,
    RunSignal signal)
{
    /// <summary>Runs one node to its end, beside the main loop.</summary>
    public async Task RunAsync(int node, Queue<NodeEnd> ended)
    {
        try
        {
            var end = run.Graph.Nodes[node].ForEach is null ? await RunOnceAsync(node) : await forEach.RunAsync(node);
            if (end.Result is { Status: NodeResult.Completed } result)
            {
                end = await DecideAsync(end, result);
            }

            End(end);
        }
        catch (Exception exception) when (RunCalls.ErrorOf(exception) is { } error)
        {
            // Something to be passed on is too large, or a value is lost: this node fails.
            End(schedule.FailedEnd(node, error));
        }
        catch (Exception exception)
        {
            // Nobody awaits this method: the main loop is told.
            signal.Fault(exception);
        }

        void End(NodeEnd end)
        {
            ended.Enqueue(end);
            signal.Raise();
        }
    }

    private async Task<NodeEnd> RunOnceAsync(int node)
    {
        var definition = run.Graph.Nodes[node];
        var scope = await contexts.ScopeOfAsync(node, contexts.ReadsOf(node));
        var activation = await contexts.WithContextAsync(new Activation { Node = definition, Scope = scope, Order = schedule.OrderOf(node) }, node);
        var end = await slots.RunAsync(activation with { Wait = waits.Take(activation.Id) });
        if (end.Outcome is not { } outcome)
        {
            progress.CountStopped(node, end.Stopped);
            return new NodeEnd(node, null);
        }

        outcomes.Add(outcome);
        progress.CountActivation(node, outcome);
        return new NodeEnd(
            node,
            new NodeResult
            {
                Status = outcome.Status,
                Output = outcome.Result,
                Error = outcome.Error,
                Order = outcome.Order,
                Role = definition.Kind.RoleOf(definition),
                Agent = outcome.Agent,
                Tokens = outcome.Usage.Tokens,
            },
            FailedActivation: outcome.Activation,
            Written: end.Written);
    }

    /// <summary>Evaluates the conditions of a completed node's edges.</summary>
    private async Task<NodeEnd> DecideAsync(NodeEnd end, NodeResult result)
    {
        var outgoing = run.Graph.Outgoing[end.Node];
        var decisions = new bool[outgoing.Length];
        for (var i = 0; i < outgoing.Length; i++)
        {
            if (run.Graph.Edges[outgoing[i]].Definition.When is null)
            {
                decisions[i] = true;
                continue;
            }

            var site = new ExpressionSite(ExpressionSiteKind.When, outgoing[i]);
            var value = await run.Calls.EvaluateAsync(site, await contexts.ScopeOfAsync(end.Node, run.Plan.ReadsOf(end.Node, site), result, end.Written));
            if (value.Error is { } error)
            {
                return end with { Result = result with { Status = NodeResult.Failed, Error = error }, FailedActivation = run.Graph.Nodes[end.Node].Name };
            }

            if (value.Value?.Json is not { ValueKind: JsonValueKind.True or JsonValueKind.False } json)
            {
                var edge = run.Graph.Edges[outgoing[i]].Definition;
                return end with
                {
                    Result = result with
                    {
                        Status = NodeResult.Failed,
                        Error = new CallError(
                            ErrorCodes.ExpressionError,
                            $"The condition of edge {edge.From} -> {edge.To} must be true or false, found {value.Value!.DescribeKind()}: {edge.When!.Text}",
                            ErrorKind.Terminal),
                    },
                    FailedActivation = edge.From,
                };
            }

            decisions[i] = json.GetBoolean();
        }

        return end with { Decisions = decisions, Digest = DigestOf(end.Node, result, end.Written) };
    }

    /// <summary>A digest of a result, by which rounds of a loop are compared. People's answers and the passing of time are always news.</summary>
    private ulong DigestOf(int node, NodeResult result, StateChange? written)
    {
        if (run.Graph.InnermostLoop[node] < 0)
        {
            return 0;
        }

        if (run.Graph.Nodes[node].Kind.WaitsOutside)
        {
            return (ulong)schedule.RoundOf(node);
        }

        return BitConverter.ToUInt64(SHA256.HashData(Encoding.UTF8.GetBytes($"{result.Status}:{TextOf(result.Output)}{TextOf(written, schedule.RoundOf(node))}")));
    }

    /// <summary>What is written again changes a sum or an array once more; with the other reducers it changes nothing.</summary>
    private string TextOf(StateChange? written, int round) => written is null || written.IsEmpty ? "" : string.Concat(written.Values.Select(pair =>
        run.Plan.Definition.FindState(pair.Key)!.Reducer is StateReducer.Append or StateReducer.Sum && !ChangesNothing(pair.Value)
            ? $";{pair.Key}#{round}"
            : $";{pair.Key}={string.Concat(pair.Value.Parts.Select(TextOf))}"));

    private static bool ChangesNothing(StateParts parts) => parts.Parts.All(part => part.IsInline && (part.Text.SequenceEqual("[]"u8) || part.Text.SequenceEqual("0"u8)));

    private static string TextOf(Payload? value) => value switch
    {
        { Json: { } json } => json.GetRawText(),
        { Reference: { } reference } payload => $"{reference.Hash}{payload.Pointer}",
        _ => "",
    };
}
