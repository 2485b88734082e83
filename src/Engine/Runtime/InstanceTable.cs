using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Polyphony.Core.Durable;
using Polyphony.Engine.Storage;

namespace Polyphony.Engine.Runtime;

/// <summary>The unfinished instances in memory, by id. Thread-safe.</summary>
internal sealed class InstanceTable
{
    private readonly ConcurrentDictionary<string, Instance> _instances = new(StringComparer.Ordinal);

    internal int Count => _instances.Count;

    internal ICollection<Instance> Values => _instances.Values;

    internal void Add(Instance instance) => _instances[instance.Id] = instance;

    /// <summary>Takes an instance out, unless another one has its id by now.</summary>
    internal void Remove(Instance instance) => _instances.TryRemove(new KeyValuePair<string, Instance>(instance.Id, instance));

    internal bool Contains(string id) => _instances.ContainsKey(id);

    internal bool TryGetValue(string id, [MaybeNullWhen(false)] out Instance instance) => _instances.TryGetValue(id, out instance);

    /// <summary>Finds where an instance stands whose parent has started it before the engine did.</summary>
    internal Lineage FindLineage(InstanceRow row, DurableRegistry registry) =>
        row.ParentId is { } id && TryGetValue(id, out var parent) && parent.Key == row.ParentKey
            ? parent.Lineage.ReadChild(row.Key, registry.IsEternal(parent.Row.Name))
            : Lineage.OfReadRoot(row.Key);
}
