using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Polyphony.Core.Nodes;
using Polyphony.Core.Payloads;

namespace Polyphony.Core.Definitions;

/// <summary>
/// The definitions of a store as parsed: each is parsed once in a process, and starts, runs, activities and requests share it. What is found under a hash depends on the hash alone, so
/// orchestrator code may ask. Thread-safe.
/// </summary>
internal sealed class DefinitionCache
{
    // In characters of canonical text. A definition takes some ten times as many bytes.
    private const long Capacity = 16 * 1024 * 1024;

    private static readonly ConditionalWeakTable<IDefinitionStore, DefinitionCache> Caches = [];

    private readonly WeightedCache<WorkflowDefinition> _parsed = new(Capacity);
    private readonly ConcurrentDictionary<string, Lazy<WorkflowDefinition?>> _underWay = new(StringComparer.Ordinal);
    private readonly IDefinitionStore _store;
    private readonly NodeKinds _kinds;

    private DefinitionCache(IDefinitionStore store, NodeKinds kinds)
    {
        _store = store;
        _kinds = kinds;
    }

    /// <summary>Gets the cache of a store: the same for everybody who uses that store.</summary>
    /// <param name="store">The store.</param>
    /// <param name="kinds">The kinds of nodes in its definitions, for the first who asks; the product's by default.</param>
    public static DefinitionCache Of(IDefinitionStore store, NodeKinds? kinds = null) =>
        Caches.GetValue(store, key => new DefinitionCache(key, kinds ?? NodeKinds.WithCode));

    /// <summary>Takes a definition that was parsed to be pinned.</summary>
    public void Add(WorkflowDefinition definition) => _parsed.Set(definition.Hash, definition, definition.CanonicalJson.Length);

    /// <summary>Finds a definition.</summary>
    /// <param name="hash">Its hash.</param>
    /// <returns>The definition; <see langword="null"/> if the store has none.</returns>
    public WorkflowDefinition? Find(string hash)
    {
        if (_parsed.TryGet(hash, out var definition))
        {
            return definition;
        }

        // Whoever asks while it is parsed waits for that. One that fails is tried again by the next.
        var parsing = _underWay.GetOrAdd(hash, key => new Lazy<WorkflowDefinition?>(() => Parse(key)));
        try
        {
            return parsing.Value;
        }
        finally
        {
            _underWay.TryRemove(new(hash, parsing));
        }
    }

    /// <summary>Gets a definition.</summary>
    /// <param name="hash">Its hash.</param>
    /// <returns>The definition.</returns>
    /// <exception cref="PolyphonyException"><c>definition_not_found</c>: the store has none.</exception>
    public WorkflowDefinition Get(string hash) => Find(hash) ?? throw new PolyphonyException(
        "definition_not_found",
        $"No workflow definition with hash \"{hash}\" is in the definition store. The instance was started on another host, or the store was replaced. Start the host on the data that the instance was started on.");

    private WorkflowDefinition? Parse(string hash)
    {
        // It may have been parsed since it was looked for.
        if (!_parsed.TryGet(hash, out var definition) && _store.Find(hash) is { } json)
        {
            definition = WorkflowParser.FromCanonical(json, _kinds);
            _parsed.Set(hash, definition, json.Length);
        }

        return definition;
    }
}
