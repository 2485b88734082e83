using System.Numerics;
using System.Text;
using Polyphony.Core.Definitions.Parsing;

namespace Polyphony.Core.Definitions;

/// <summary>
/// What can be said of a workflow before it runs: the maximum number of model calls that it can make, and which nodes make them. An upper bound: every loop runs to its cap, every
/// tool round is used, every answer is repaired and every call is retried to the end, on every fallback model, twice where a model may be left for its wait and asked again.
/// </summary>
public sealed record WorkflowProof
{
    /// <summary>Gets the maximum number of model calls, attempts included.</summary>
    public required CallBound ModelCalls { get; init; }

    /// <summary>Gets the maximum number of model calls if none has to be retried or repaired.</summary>
    public required CallBound WithoutRetries { get; init; }

    /// <summary>Gets the nodes that call models, those with the most calls first.</summary>
    public required IReadOnlyList<NodeProof> Nodes { get; init; }

    /// <summary>Gets <see cref="WorkflowLimits.MaxModelCalls"/>, which no run exceeds whatever the bound says.</summary>
    public int? MaxModelCalls { get; init; }

    /// <summary>Gets the aliases that the host's settings define and not the workflow; their fallbacks are counted. In ordinal order.</summary>
    public IReadOnlyList<string> HostModels { get; init; } = [];

    /// <summary>Gets the aliases that are defined nowhere: a host that defines one with fallbacks can make more calls than this. In ordinal order.</summary>
    public IReadOnlyList<string> UnknownModels { get; init; } = [];

    /// <summary>Gets a value indicating whether <see cref="MaxModelCalls"/> may end a run before its graph does.</summary>
    public bool MayReachMaxModelCalls => MaxModelCalls is { } limit && ModelCalls.MayExceed(limit);

    /// <summary>Computes the bounds.</summary>
    /// <param name="definition">The workflow.</param>
    /// <param name="catalog">Where sub-workflows are found; those not found count as unknown.</param>
    /// <param name="hostModels">The aliases of the host's settings, by name, for those that the workflow leaves to the host.</param>
    /// <returns>The proof.</returns>
    public static WorkflowProof Of(WorkflowDefinition definition, IWorkflowCatalog? catalog = null, IReadOnlyDictionary<string, ModelDefinition>? hostModels = null) =>
        new ProofBuilder(definition, catalog, hostModels ?? new Dictionary<string, ModelDefinition>(), []).Build();

    /// <summary>Formats the proof in a few lines, for people.</summary>
    /// <returns>The text, without a final line break.</returns>
    public override string ToString()
    {
        var text = new StringBuilder($"At most {ModelCalls} model calls ({WithoutRetries} without retries)");
        if (MaxModelCalls is { } limit)
        {
            text.Append(System.Globalization.CultureInfo.InvariantCulture, $"; limits.maxModelCalls {(MayReachMaxModelCalls ? "ends the run after" : "allows")} {limit:N0}");
        }

        text.Append('.');
        foreach (var node in Nodes)
        {
            text.Append(System.Globalization.CultureInfo.InvariantCulture, $"\n  {node.Node}: {node.ModelCalls} = {node.Why}; by {string.Join(" -> ", node.Path)}");
        }

        if (HostModels.Count > 0)
        {
            text.Append(System.Globalization.CultureInfo.InvariantCulture, $"\n  Counted with the fallbacks that the host's settings give to {Quote(HostModels)}.");
        }

        if (UnknownModels.Count > 0)
        {
            text.Append(System.Globalization.CultureInfo.InvariantCulture, $"\n  Not counted: fallbacks of {Quote(UnknownModels)}, which neither the workflow nor the host's settings define.");
        }

        return text.ToString();
    }

    private static string Quote(IReadOnlyList<string> names) => string.Join(", ", names.Select(name => $"\"{name}\""));
}

/// <summary>The model calls of one node.</summary>
/// <param name="Node">The node.</param>
/// <param name="ModelCalls">The maximum number of calls, attempts included.</param>
/// <param name="WithoutRetries">The most calls if none has to be retried or repaired.</param>
/// <param name="Why">The factors of the number, such as <c>4 rounds × 2 calls × 3 attempts</c>.</param>
/// <param name="Path">A path that leads there from a start node.</param>
public sealed record NodeProof(string Node, CallBound ModelCalls, CallBound WithoutRetries, string Why, IReadOnlyList<string> Path)
{
    internal BigInteger Weight => ModelCalls.Constant + (ModelCalls.IsKnown ? BigInteger.Zero : BigInteger.Pow(10, 30));
}
