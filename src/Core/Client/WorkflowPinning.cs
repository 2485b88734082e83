using Polyphony.Core.Definitions;

namespace Polyphony.Core.Client;

/// <summary>Checks definitions that are about to be run, with all that they use, and keeps them for their instances. Thread-safe.</summary>
/// <param name="catalog">Where the workflows are found that a definition uses.</param>
/// <param name="definitions">Where pinned definitions are kept.</param>
/// <param name="prices">Refuses limits of money over models without a price; <see langword="null"/> refuses none.</param>
/// <param name="endpoints">Which addresses workflows may name.</param>
internal sealed class WorkflowPinning(IWorkflowCatalog catalog, IDefinitionStore definitions, PriceCheck? prices, EndpointPolicy endpoints)
{
    /// <summary>Checks a definition and what it uses, and pins them.</summary>
    /// <param name="definition">The definition.</param>
    /// <param name="limitsCost">Whether the run has a limit of money that the definition does not have.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The hashes of the workflows pinned with it, by name; <see langword="null"/> if it uses none.</returns>
    public async Task<IReadOnlyDictionary<string, string>?> PinAsync(WorkflowDefinition definition, bool limitsCost, CancellationToken cancellationToken)
    {
        // What runs itself would never end, and what takes locks within locks might not, whichever way it was started.
        if ((WorkflowLinks.FindRecursion(definition, catalog) ?? WorkflowLinks.FindNestedLock(definition, catalog)) is { } problem)
        {
            throw new WorkflowInvalidException([problem]);
        }

        var pinned = new Dictionary<string, WorkflowDefinition>(StringComparer.Ordinal);
        CollectSubWorkflows(definition, pinned);
        CheckEndpoints([definition, .. pinned.Values], DefinitionOrigin.File);
        if (prices?.Check(definition, pinned.GetValueOrDefault, limitsCost) is { Count: > 0 } problems)
        {
            throw new WorkflowInvalidException(problems);
        }

        var parsed = DefinitionCache.Of(definitions);
        foreach (var each in pinned.Values.Prepend(definition))
        {
            await definitions.SaveAsync(each.Hash, each.CanonicalJson, cancellationToken);
            parsed.Add(each);
        }

        return pinned.Count == 0 ? null : pinned.ToDictionary(pair => pair.Key, pair => pair.Value.Hash, StringComparer.Ordinal);
    }

    /// <summary>Looks a workflow up.</summary>
    public WorkflowDefinition Resolve(string workflow) =>
        catalog.Find(workflow) ?? throw new WorkflowNotFoundException(workflow, catalog.List().Select(definition => definition.Name));

    /// <summary>Checks which endpoints and keys the models of workflows name.</summary>
    public void CheckEndpoints(IEnumerable<WorkflowDefinition> workflows, DefinitionOrigin origin)
    {
        if (workflows.SelectMany(each => endpoints.Check(each, origin)).ToList() is { Count: > 0 } refused)
        {
            throw new EndpointNotAllowedException(refused);
        }
    }

    private void CollectSubWorkflows(WorkflowDefinition definition, Dictionary<string, WorkflowDefinition> pinned)
    {
        foreach (var use in definition.SubWorkflows)
        {
            if (!pinned.ContainsKey(use.Workflow))
            {
                var child = Resolve(use.Workflow);
                if (!child.IsStartable)
                {
                    throw new WorkflowNotStartableException(child.Name);
                }

                pinned.Add(use.Workflow, child);
                CollectSubWorkflows(child, pinned);
            }
        }
    }
}
