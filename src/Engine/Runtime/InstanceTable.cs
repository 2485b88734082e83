using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Polyphony.Core.Durable;
using Polyphony.Engine.Storage;

namespace Polyphony.Engine.Runtime;

/// <summary>The unfinished instances in memory, by id, and how many of them count for <see cref="AdmissionLimits"/>. Thread-safe.</summary>
internal sealed class InstanceTable
{
    private readonly ConcurrentDictionary<string, Instance> _instances = new(StringComparer.Ordinal);

    private readonly Lock _counting = new();
    private readonly Dictionary<string, int> _ofWorkflows = new(StringComparer.Ordinal);
    private int _admitted;

    internal int Count => _instances.Count;

    internal ICollection<Instance> Values => _instances.Values;

    internal void Add(Instance instance)
    {
        lock (_counting)
        {
            if (_instances.TryGetValue(instance.Id, out var replaced))
            {
                Discount(replaced);
            }

            _instances[instance.Id] = instance;
            if (instance.Workflow is { } workflow)
            {
                instance.IsCounted = true;
                _admitted++;
                _ofWorkflows[workflow] = _ofWorkflows.GetValueOrDefault(workflow) + 1;
            }
        }
    }

    /// <summary>Takes an instance out, unless another one has its id by now.</summary>
    internal void Remove(Instance instance)
    {
        StopCounting(instance);
        _instances.TryRemove(new KeyValuePair<string, Instance>(instance.Id, instance));
    }

    /// <summary>Counts an instance no longer: its end is committed, and about to be seen.</summary>
    internal void StopCounting(Instance instance)
    {
        lock (_counting)
        {
            Discount(instance);
        }
    }

    /// <summary>Finds the limit that a further start of a workflow would pass.</summary>
    internal QueueFullException? FindExcess(AdmissionLimits limits, string workflow)
    {
        lock (_counting)
        {
            return limits.FindExcess(workflow, _admitted, _ofWorkflows.GetValueOrDefault(workflow));
        }
    }

    /// <summary>Gets how many count, and how many of each workflow.</summary>
    internal (int Admitted, Dictionary<string, int> OfWorkflows) ReadCounts()
    {
        lock (_counting)
        {
            return (_admitted, new Dictionary<string, int>(_ofWorkflows, StringComparer.Ordinal));
        }
    }

    internal bool Contains(string id) => _instances.ContainsKey(id);

    internal bool TryGetValue(string id, [MaybeNullWhen(false)] out Instance instance) => _instances.TryGetValue(id, out instance);

    /// <summary>Finds where an instance stands whose parent has started it before the engine did.</summary>
    internal Lineage FindLineage(InstanceRow row, DurableRegistry registry) =>
        row.ParentId is { } id && TryGetValue(id, out var parent) && parent.Key == row.ParentKey
            ? parent.Lineage.ReadChild(row.Key, registry.IsEternal(parent.Row.Name))
            : Lineage.OfReadRoot(row.Key);

    private void Discount(Instance instance)
    {
        if (!instance.IsCounted)
        {
            return;
        }

        instance.IsCounted = false;
        _admitted--;
        if (--_ofWorkflows[instance.Workflow!] == 0)
        {
            _ofWorkflows.Remove(instance.Workflow!);
        }
    }
}
