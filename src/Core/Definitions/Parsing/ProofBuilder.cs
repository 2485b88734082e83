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

    /// <summary>Gets the workflow.</summary>
    public WorkflowDefinition Definition => definition;

    /// <summary>Writes a factor of a number of calls: <c>3 attempts</c>.</summary>
    public static string Count(BigInteger count, string what) => $"{count:N0} {what}{(count.IsOne ? "" : "s")}";

    public WorkflowProof Build()
    {
        around.Add(definition.Name);
        var nodes = new List<NodeProof>();
        for (var i = 0; i < _graph.Nodes.Length; i++)
        {
            if (Prove(i) is { } proof)
            {
                nodes.Add(proof);
            }
        }

        around.Remove(definition.Name);
        return new WorkflowProof
        {
            ModelCalls = nodes.Aggregate(CallBound.Zero, (sum, node) => sum + node.ModelCalls),
            WithoutRetries = nodes.Aggregate(CallBound.Zero, (sum, node) => sum + node.WithoutRetries),
            Nodes = [.. nodes.OrderByDescending(node => node.Weight)],
            MaxModelCalls = definition.Limits.MaxModelCalls,
            HostModels = [.. _hostModels],
            UnknownModels = [.. _unknownModels],
        };
    }

    private NodeProof? Prove(int index)
    {
        var node = _graph.Nodes[index];
        var (calls, plain, why) = node.Kind.BoundCalls(node, this);
        List<string> factors = [.. why];
        if (calls == CallBound.Zero)
        {
            return null;
        }

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
        {
            factors.Insert(0, Count(rounds, "round"));
        }

        return new NodeProof(node.Name, calls.Times(rounds), plain.Times(rounds), string.Join(" × ", factors), Path(index));
    }

    /// <summary>Counts the fallbacks of a model alias. The file's own definition of an alias counts, else the host's: the order in which a run looks them up.</summary>
    public int FallbacksOf(string alias)
    {
        if (definition.Models.TryGetValue(alias, out var model))
        {
            return model.Fallback.Count;
        }

        if (hostModels.TryGetValue(alias, out model))
        {
            _hostModels.Add(alias);
            return model.Fallback.Count;
        }

        _unknownModels.Add(alias);
        return 0;
    }

    /// <summary>Proves a workflow that runs within this one.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>The workflow and its proof; <see langword="null"/> if it is not found, or is one of those around.</returns>
    public (WorkflowDefinition Definition, WorkflowProof Proof)? ProofOf(string name)
    {
        if (around.Contains(name) || Find(name) is not { } other)
        {
            return null;
        }

        var proof = new ProofBuilder(other, catalog, hostModels, around).Build();
        _hostModels.UnionWith(proof.HostModels);
        _unknownModels.UnionWith(proof.UnknownModels);
        return (other, proof);
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
        {
            rounds *= 1 + _graph.Loops[loop].BackEdges.Aggregate(BigInteger.Zero, (sum, edge) => sum + (_graph.Edges[edge].Definition.Max ?? 0));
        }

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
}
