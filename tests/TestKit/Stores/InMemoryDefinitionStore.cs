using System.Collections.Concurrent;
using Polyphony.Core.Definitions;

namespace Polyphony.TestKit.Stores;

/// <summary>A definition store in memory.</summary>
public sealed class InMemoryDefinitionStore : IDefinitionStore
{
    private readonly ConcurrentDictionary<string, string> _definitions = new(StringComparer.Ordinal);
    private int _reads;

    /// <summary>Gets how many reads there were.</summary>
    public int Reads => _reads;

    public Task SaveAsync(string hash, string json, CancellationToken cancellationToken = default)
    {
        _definitions[hash] = json;
        return Task.CompletedTask;
    }

    public string? Find(string hash)
    {
        Interlocked.Increment(ref _reads);
        return _definitions.GetValueOrDefault(hash);
    }
}
