using System.Numerics;
using Polyphony.Core.Graph;

namespace Polyphony.Core.Definitions.Parsing;

/// <summary>Works out a <see cref="WorkflowProof"/>.</summary>
/// <param name="definition">The workflow.</param>
/// <param name="catalog">Where sub-workflows are found.</param>
/// <param name="hostModels">The aliases of the host's settings.</param>
/// <param name="around">The workflows that this one runs in.</param>
internal sealed class ProofBuilder(
    WorkflowDefinition definition, IWorkflowCatalog? catalog, IReadOnlyDictionary<string, ModelDefinition> hostModels, HashSet<string> around)
{
    // A start checks the input against its schema. What a parent hands to a sub-workflow nobody checks.
    private readonly Expressions.Schemas.JsonSchema? _input = around.Count == 0 ? definition.Input : null;

    private readonly SortedSet<string> _hostModels = new(StringComparer.Ordinal);
    private readonly SortedSet<string> _unknownModels = new(StringComparer.Ordinal);
    private readonly WorkflowGraph _graph = definition.Graph;
    private readonly Dictionary<string, NodeDefinition> _nodes = definition.Graph.Nodes.ToDictionary(node => node.Name, StringComparer.Ordinal);

    public WorkflowProof Build()
    {
        around.Add(definition.Name);
        var nodes = new List<NodeProof>();
        for (var i = 0; i < _graph.Nodes.Length; i++)
        {
            if (Prove(i) is { } proof)
                nodes.Add(proof);
        }

        around.Remove(definition.Name);
        return new WorkflowProof
        {
            ModelCalls = nodes.Aggregate(CallBound.Zero, (sum, node) => sum + node.ModelCalls),
            WithoutRetries = nodes.Aggregate(CallBound.Zero, (sum, node) => sum + node.WithoutRetries),
            Nodes = [.. nodes.OrderByDescending(node => node.Weight)],
            MaxTurns = definition.Limits.MaxTurns,
            HostModels = [.. _hostModels],
            UnknownModels = [.. _unknownModels],
        };
    }

    private NodeProof? Prove(int index)
    {
        var node = _graph.Nodes[index];
        var factors = new List<string>();
        var (calls, plain) = node switch
        {
            AgentNode agent => Agent(agent, factors),
            WorkflowNode workflow => Workflow(workflow, factors),
            _ => (CallBound.Zero, CallBound.Zero),
        };
        if (calls == CallBound.Zero)
            return null;

        if (node.ForEach is not null)
        {
            if (ListLimits.MaxItems(_input, definition.Agents, _nodes, node.ForEach) is { } items)
            {
                (calls, plain) = (calls.Times(items), plain.Times(items));
                factors.Insert(0, Count(items, "item"));
            }
            else
            {
                var what = $"item of \"{node.Name}\"";
                (calls, plain) = (calls.Per(what), plain.Per(what));
                factors.Insert(0, "items");
            }
        }

        var rounds = Rounds(index);
        if (rounds > 1)
            factors.Insert(0, Count(rounds, "round"));

        return new NodeProof(node.Name, calls.Times(rounds), plain.Times(rounds), string.Join(" × ", factors), Path(index));
    }

    private (CallBound Calls, CallBound Plain) Agent(AgentNode node, List<string> factors)
    {
        var (calls, plain) = Agent(node, node.Agent, factors);
        if (node.OnError.Agent is not { } other)
            return (calls, plain);

        var (more, morePlain) = Agent(node, other, []);
        factors.Add($"{calls} calls, then {more} by {other}");
        if (factors.Count > 1)
            factors.RemoveRange(0, factors.Count - 1);

        return (calls + more, plain + morePlain);
    }

    // Every round of tool calls is one call, the answer another, its repair a third; each may be tried again, and all that once more on every fallback. Where there is a fallback,
    // a model that lets the call wait is left, and asked from the beginning when the others have failed: all of them may do so, after their last attempt even.
    private (CallBound Calls, CallBound Plain) Agent(AgentNode node, string name, List<string> factors)
    {
        if (definition.FindAgent(name, node.Name) is not { } agent)
            return (CallBound.Zero, CallBound.Zero);

        var rounds = 1 + (agent.Tools.Count > 0 ? agent.MaxToolRounds : 0);
        var repairs = agent.Output is null ? 0 : 1;
        var attempts = (node.Retry ?? agent.Retry ?? new RetryDefinition()).MaxAttempts;
        var models = 1 + Fallbacks(agent.Model);
        var notes = new List<string>();
        if (rounds > 1)
            notes.Add($"{agent.MaxToolRounds:N0} for tools");

        if (repairs > 0)
            notes.Add("1 to repair the answer");

        factors.Add(Count(rounds + repairs, "call") + (notes.Count == 0 ? "" : $" ({string.Join(", ", notes)})"));
        if (attempts > 1)
            factors.Add(Count(attempts, "attempt"));

        var turns = models > 1 ? 2 : 1;
        if (models > 1)
            factors.Add(Count(models, "model"));

        if (turns > 1)
            factors.Add("2 turns (again after a wait)");

        return (CallBound.Of((BigInteger)(rounds + repairs) * attempts * models * turns), CallBound.Of(rounds));
    }

    // The file's own definition of an alias counts, else the host's: the order in which a run looks them up.
    private int Fallbacks(string alias)
    {
        if (definition.Models.TryGetValue(alias, out var model))
            return model.Fallback.Count;

        if (hostModels.TryGetValue(alias, out model))
        {
            _hostModels.Add(alias);
            return model.Fallback.Count;
        }

        _unknownModels.Add(alias);
        return 0;
    }

    private (CallBound Calls, CallBound Plain) Workflow(WorkflowNode node, List<string> factors)
    {
        var what = $"run of workflow \"{node.Workflow}\"";
        if (around.Contains(node.Workflow) || Find(node.Workflow) is not { } other)
        {
            factors.Add("calls of " + node.Workflow);
            return (CallBound.Of(1).Per("call in each " + what), CallBound.Of(1).Per("call in each " + what));
        }

        var proof = new ProofBuilder(other, catalog, hostModels, around).Build();
        _hostModels.UnionWith(proof.HostModels);
        _unknownModels.UnionWith(proof.UnknownModels);
        var attempts = node.Retry?.MaxAttempts ?? 1;
        var calls = proof.ModelCalls;
        if ((node.Limits?.MaxTurns ?? other.Limits.MaxTurns) is { } turns && calls.MayExceed(turns))
            calls = CallBound.Of(turns);

        factors.Add($"{calls} calls of {node.Workflow}");
        if (attempts > 1)
            factors.Add(Count(attempts, "attempt"));

        return (calls.Times(attempts), proof.WithoutRetries);
    }

    private WorkflowDefinition? Find(string name)
    {
        try
        {
            return catalog?.Find(name);
        }
        catch (WorkflowInvalidException)
        {
            return null;
        }
    }

    // Back edges to one header are counted apart, so that their caps add up; loops around multiply.
    private BigInteger Rounds(int node)
    {
        var rounds = BigInteger.One;
        for (var loop = _graph.InnermostLoop[node]; loop >= 0; loop = _graph.Loops[loop].Parent)
            rounds *= 1 + _graph.Loops[loop].BackEdges.Aggregate(BigInteger.Zero, (sum, edge) => sum + (_graph.Edges[edge].Definition.Max ?? 0));

        return rounds;
    }

    private List<string> Path(int node)
    {
        var path = new List<string> { _graph.Nodes[node].Name };
        while (_graph.Incoming[node].FirstOrDefault(edge => !_graph.Edges[edge].IsBackEdge, -1) is >= 0 and var edge)
        {
            node = _graph.Edges[edge].From;
            path.Insert(0, _graph.Nodes[node].Name);
        }

        return path;
    }

    private static string Count(BigInteger count, string what) => $"{count:N0} {what}{(count.IsOne ? "" : "s")}";
}
