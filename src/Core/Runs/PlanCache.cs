using System.Runtime.CompilerServices;
using Polyphony.Core.Definitions;

namespace Polyphony.Core.Runs;

/// <summary>Turns hashes of pinned definitions into plans. What it returns depends on the hash alone. A plan is kept as long as its definition. Thread-safe.</summary>
internal sealed class PlanCache(IDefinitionStore store)
{
    private readonly DefinitionCache _definitions = DefinitionCache.Of(store);
    private readonly ConditionalWeakTable<WorkflowDefinition, WorkflowPlan> _plans = [];

    public WorkflowPlan Get(string hash) => _plans.GetValue(_definitions.Get(hash), definition => new WorkflowPlan(definition));
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
