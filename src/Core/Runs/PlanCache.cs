using System.Collections.Concurrent;
using Polyphony.Core.Definitions;

namespace Polyphony.Core.Runs;

/// <summary>Turns hashes of pinned definitions into plans. What it returns depends on the hash alone.</summary>
internal sealed class PlanCache(IDefinitionStore definitions)
{
    private const int MaxPlans = 500;

    private readonly ConcurrentDictionary<string, WorkflowPlan> _plans = new(StringComparer.Ordinal);

    public WorkflowPlan Get(string hash)
    {
        if (_plans.TryGetValue(hash, out var plan))
        {
            return plan;
        }

        var json = definitions.Find(hash) ?? throw new PolyphonyException(
            "definition_not_found",
            $"The definition \"{hash}\", which the instance was started with, is not in the definition store. Start the host on the data that the instance was started on.");
        plan = new WorkflowPlan(WorkflowDefinition.FromJson(json));
        if (_plans.Count >= MaxPlans)
        {
            _plans.Clear();
        }

        return _plans.GetOrAdd(hash, plan);
    }
}

/// <summary>The sub-workflows that were pinned with a run, by name.</summary>
internal sealed class PinnedWorkflows(PlanCache plans, IReadOnlyDictionary<string, string> hashes, int depth) : IWorkflowCatalog
{
    /// <summary>Gets how many workflows are above the one that may run these.</summary>
    public int Depth => depth;

    public IReadOnlyDictionary<string, string> Hashes => hashes;

    public WorkflowDefinition? Find(string name) => hashes.TryGetValue(name, out var hash) ? plans.Get(hash).Definition : null;

    public IReadOnlyList<WorkflowDefinition> List() => [.. hashes.Values.Select(hash => plans.Get(hash).Definition)];
}
