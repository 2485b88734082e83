using System.Numerics;
using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Parsing;
using Polyphony.Core.Nodes.SubWorkflows;

namespace Polyphony.Core.Nodes.Agents;

/// <summary>Bounds the model calls of agents in nodes.</summary>
internal static class AgentNodeCalls
{
    public static NodeCalls Bound(AgentNode node, ProofBuilder proof)
    {
        var own = Of(node.Agent, node, proof);
        if (node.OnError.Agent is not { } other)
        {
            return own;
        }

        var more = Of(other, node, proof);
        return new NodeCalls(
            own.ModelCalls + more.ModelCalls, own.WithoutRetries + more.WithoutRetries, [$"{own.ModelCalls} calls, then {more.ModelCalls} by {other}"]);
    }

    // Every round of tool calls is one call, the answer another, its repair a third; each may be tried again, and all that once more on every fallback. Where there is a fallback,
    // a model that lets the call wait is left, and asked from the beginning when the others have failed: all of them may do so, after their last attempt even.
    public static NodeCalls Of(string name, NodeDefinition node, ProofBuilder proof)
    {
        if (proof.Definition.FindAgent(name, node.Name) is not { } agent)
        {
            return NodeCalls.None;
        }

        var rounds = 1 + (agent.Tools.Count > 0 ? agent.MaxToolRounds : 0);
        var repairs = agent.Output is null ? 0 : 1;
        var attempts = (node.Retry ?? agent.Retry ?? new RetryDefinition()).MaxAttempts;
        var models = 1 + proof.FallbacksOf(agent.Model);
        var tries = models > 1 ? 2 : 1;
        var own = new NodeCalls(
            CallBound.Of((BigInteger)(rounds + repairs) * attempts * models * tries),
            CallBound.Of(rounds),
            [.. Factors(agent, rounds, repairs, attempts, models)]);
        return WithWorkflows(own, agent, proof);
    }

    // Each call of a round may start the same workflow. Rounds are counted over all attempts and models.
    private static NodeCalls WithWorkflows(NodeCalls own, AgentDefinition agent, ProofBuilder proof)
    {
        var uses = proof.Definition.SubWorkflowsOf(agent).Select(use => WorkflowNodeKind.CallsOf(use, proof)).Where(calls => calls.ModelCalls != CallBound.Zero).ToArray();
        if (uses.Length == 0)
        {
            return own;
        }

        var runs = (BigInteger)agent.MaxToolRounds * AgentDefinition.MostToolCalls;
        var most = uses.OrderByDescending(calls => !calls.ModelCalls.IsKnown).ThenByDescending(calls => calls.ModelCalls.Constant).First();
        var plain = uses.OrderByDescending(calls => !calls.WithoutRetries.IsKnown).ThenByDescending(calls => calls.WithoutRetries.Constant).First();
        return new NodeCalls(
            own.ModelCalls + most.ModelCalls.Times(runs),
            own.WithoutRetries + plain.WithoutRetries.Times(runs),
            [$"({string.Join(" × ", own.Factors)} + {runs:N0} tool calls × {string.Join(" × ", most.Factors)})"]);
    }

    private static IEnumerable<string> Factors(AgentDefinition agent, int rounds, int repairs, int attempts, int models)
    {
        var notes = new List<string>();
        if (rounds > 1)
        {
            notes.Add($"{agent.MaxToolRounds:N0} for tools");
        }

        if (repairs > 0)
        {
            notes.Add("1 to repair the answer");
        }

        yield return ProofBuilder.Count(rounds + repairs, "call") + (notes.Count == 0 ? "" : $" ({string.Join(", ", notes)})");
        if (attempts > 1)
        {
            yield return ProofBuilder.Count(attempts, "attempt");
        }

        if (models > 1)
        {
            yield return ProofBuilder.Count(models, "model");
            yield return "2 times (again after a wait)";
        }
    }
}
