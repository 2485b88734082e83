using System.Diagnostics.CodeAnalysis;

namespace Polyphony.Core.Payloads;

/// <summary>Keeps the most recently used values up to a total weight. Thread-safe.</summary>
/// <typeparam name="TValue">What is kept.</typeparam>
/// <param name="capacity">The most that all values together may weigh; a value heavier than this is not kept.</param>
internal sealed class WeightedCache<TValue>(long capacity)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, LinkedListNode<(string Key, TValue Value, long Weight)>> _entries = new(StringComparer.Ordinal);
    private readonly LinkedList<(string Key, TValue Value, long Weight)> _byUse = new();

    public long Weight { get; private set; }

    public bool TryGet(string key, [MaybeNullWhen(false)] out TValue value)
    {
        lock (_lock)
        {
            if (!_entries.TryGetValue(key, out var entry))
            {
                value = default;
                return false;
            }

            _byUse.Remove(entry);
            _byUse.AddLast(entry);
            value = entry.Value.Value;
            return true;
        }
    }

    public void Set(string key, TValue value, long weight)
    {
        lock (_lock)
        {
            if (weight > capacity || _entries.ContainsKey(key))
            {
                return;
            }

            _entries[key] = _byUse.AddLast((key, value, weight));
            Weight += weight;
            while (Weight > capacity)
            {
                var oldest = _byUse.First!;
                _byUse.RemoveFirst();
                _entries.Remove(oldest.Value.Key);
                Weight -= oldest.Value.Weight;
            }
        }
    }
}
