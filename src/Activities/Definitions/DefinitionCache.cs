using Polyphony.Activities.Payloads;
using Polyphony.Core.Definitions;

namespace Polyphony.Activities.Definitions;

/// <summary>Keeps parsed definitions by hash. Thread-safe.</summary>
internal sealed class DefinitionCache(IDefinitionStore store)
{
    private const int Capacity = 256;
    private readonly WeightedCache<WorkflowDefinition> _parsed = new(Capacity);

    public WorkflowDefinition Get(string hash)
    {
        if (!_parsed.TryGet(hash, out var definition))
        {
            // Two calls may parse the same text; the results are equal and one is kept.
            definition = WorkflowDefinition.FromJson(store.Find(hash) ?? throw new PolyphonyException(
                "definition_not_found", $"No workflow definition with hash \"{hash}\" is in the definition store. It belongs to another host, or its database was replaced."));
            _parsed.Set(hash, definition, 1);
        }

        return definition;
    }
}
