using System.Text.Json;
using Polyphony.Core.Payloads;
using Polyphony.Core.Workflows;

namespace Polyphony.Core.Interpreter;

/// <content>Running nodes.</content>
internal sealed partial class WorkflowInstance
{
    /// <summary>Runs one node to its end, beside the main loop.</summary>
    private async Task RunNodeAsync(int node)
    {
        try
        {
            var end = Graph.Nodes[node].ForEach is null ? await RunOnceAsync(node) : await RunForEachAsync(node);
            if (end.Result is { Status: NodeResult.Completed } result)
            {
                end = await DecideAsync(end, result);
            }

            End(end);
        }
        catch (Exception exception) when (RunCalls.ErrorOf(exception) is { } error)
        {
            // Something to be passed on is too large, or a value is lost: this node fails.
            End(FailedNode(node, error));
        }
        catch (Exception exception)
        {
            // Nobody awaits this method: the main loop is told.
            Die(exception);
        }
    }

    private async Task<NodeEnd> RunOnceAsync(int node)
    {
        var definition = Graph.Nodes[node];
        var scope = ScopeOf(node, ReadsOf(node));
        var activation = await WithContextAsync(new Activation { Node = definition, Scope = scope, Order = OrderOf(node) }, node);
        if (_carriedWaits.Remove(activation.Id, out var wait))
        {
            activation = activation with { Wait = wait };
        }

        var end = await RunInSlotAsync(activation);
        if (end.Outcome is not { } outcome)
        {
            CountStopped(node, end.Stopped);
            return new NodeEnd(node, null);
        }

        AddOutcome(outcome);
        CountActivation(node, outcome);
        return new NodeEnd(
            node,
            new NodeResult
            {
                Status = outcome.Status,
                Output = outcome.Result,
                Error = outcome.Error,
                Order = outcome.Order,
                Role = RoleOf(definition),
                Agent = outcome.Agent,
                Tokens = outcome.Usage.Tokens,
            },
            FailedActivation: outcome.Activation);
    }

    /// <summary>Runs an activation when there is a slot for it. Waits, people and computations take none: they call nobody.</summary>
    private async Task<ActivationEnd> RunInSlotAsync(Activation activation)
    {
        if (!TakesSlot(activation.Node))
        {
            return await _runner.RunAsync(activation);
        }

        var slots = await _slots.AcquireAsync();
        if (_stop.IsRequested)
        {
            _slots.Release(slots);
            return new ActivationEnd(null);
        }

        var end = await _runner.RunAsync(activation);
        if (end.Lingering is { IsCompleted: false } lingering)
        {
            _lingering.Add(ReleaseAfterAsync(lingering, slots));
        }
        else
        {
            _slots.Release(slots);
        }

        return end;
    }

    private async Task ReleaseAfterAsync(Task work, int slots)
    {
        try
        {
            await work;
        }
        finally
        {
            _slots.Release(slots);
            Wake();
        }
    }

    /// <summary>Evaluates the conditions of a completed node's edges.</summary>
    private async Task<NodeEnd> DecideAsync(NodeEnd end, NodeResult result)
    {
        var outgoing = Graph.Outgoing[end.Node];
        var decisions = new bool[outgoing.Length];
        for (var i = 0; i < outgoing.Length; i++)
        {
            if (Graph.Edges[outgoing[i]].Definition.When is null)
            {
                decisions[i] = true;
                continue;
            }

            var site = new ExpressionSite(ExpressionSiteKind.When, outgoing[i]);
            var value = await _calls.EvaluateAsync(site, ScopeOf(end.Node, _plan.ReadsOf(end.Node, site), result));
            if (value.Error is { } error)
            {
                return end with { Result = result with { Status = NodeResult.Failed, Error = error }, FailedActivation = Graph.Nodes[end.Node].Name };
            }

            if (value.Value?.Json is not { ValueKind: JsonValueKind.True or JsonValueKind.False } json)
            {
                var edge = Graph.Edges[outgoing[i]].Definition;
                return end with
                {
                    Result = result with
                    {
                        Status = NodeResult.Failed,
                        Error = new CallError(
                            ErrorCodes.ExpressionError,
                            $"The condition of edge {edge.From} -> {edge.To} must be true or false, found {KindOf(value.Value!)}: {edge.When!.Text}",
                            ErrorKind.Terminal),
                    },
                    FailedActivation = edge.From,
                };
            }

            decisions[i] = json.GetBoolean();
        }

        return end with { Decisions = decisions, Digest = DigestOf(end.Node, result) };
    }

    private async Task<Activation> WithContextAsync(Activation activation, int node)
    {
        if (activation.Node is not AgentNode agent)
        {
            return activation;
        }

        var (packed, messages) = await ContextOfAsync(node, _plan.Definition.Agents[agent.Agent]);
        return activation with { Context = messages, PackedContext = packed };
    }

    /// <summary>Finds what the expressions of a node read, its edges' conditions aside.</summary>
    private WorkflowPlan.Reads ReadsOf(int node)
    {
        var definition = Graph.Nodes[node];
        var reads = definition switch
        {
            AgentNode => Of(ExpressionSiteKind.Prompt),
            ToolNode => Of(ExpressionSiteKind.Arguments),
            WorkflowNode => Of(ExpressionSiteKind.WorkflowInput),
            TransformNode => Of(ExpressionSiteKind.Transform),
            WaitNode => Of(ExpressionSiteKind.Until),
            HumanNode => Of(ExpressionSiteKind.Prompt).And(Of(ExpressionSiteKind.TimeoutValue)).And(Of(ExpressionSiteKind.Escalation)).And(Of(ExpressionSiteKind.RejectWhen)),
            _ => WorkflowPlan.Reads.None,
        };
        return definition.OnError.Kind == ErrorPolicyKind.Value ? reads.And(Of(ExpressionSiteKind.ErrorValue)) : reads;

        WorkflowPlan.Reads Of(ExpressionSiteKind kind) => _plan.ReadsOf(node, new ExpressionSite(kind));
    }

    private NodeEnd FailedNode(int node, CallError error) => new(
        node,
        new NodeResult { Status = NodeResult.Failed, Error = ErrorText.Shorten(error), Order = OrderOf(node) },
        FailedActivation: Graph.Nodes[node].Name);

    private static bool TakesSlot(NodeDefinition node) => node is AgentNode or ToolNode or WorkflowNode;

    private static string KindOf(Payload value) => value.Reference?.Type ?? value.Json?.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        JsonValueKind.String => "a text",
        JsonValueKind.Number => "a number",
        JsonValueKind.True or JsonValueKind.False => "true or false",
        _ => "null",
    };

    private static string? RoleOf(NodeDefinition node) => node switch
    {
        AgentNode or WorkflowNode => "assistant",
        HumanNode => "user",
        WaitNode { Event: not null } => "user",
        ToolNode => "tool",
        _ => null,
    };
}
