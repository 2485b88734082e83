using System.Collections.Concurrent;
using System.Security.Cryptography;
using Polyphony.Core.Payloads;

namespace Polyphony.TestKit.Stores;

/// <summary>A payload store in memory that counts reads.</summary>
public sealed class InMemoryPayloadStore : IPayloadStore
{
    private readonly ConcurrentDictionary<string, byte[]> _values = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(string Instance, string Hash), bool> _kept = new();
    private int _reads;

    /// <summary>Gets how many values are kept.</summary>
    public int Count => _values.Count;

    /// <summary>Gets how many reads there were.</summary>
    public int Reads => _reads;

    public Task<string> PutAsync(string instanceId, ReadOnlyMemory<byte> json, CancellationToken cancellationToken = default)
    {
        var hash = Convert.ToHexStringLower(SHA256.HashData(json.Span));
        _values[hash] = json.ToArray();
        _kept[(instanceId, hash)] = true;
        return Task.FromResult(hash);
    }

    public Task<ReadOnlyMemory<byte>> GetAsync(string hash, CancellationToken cancellationToken = default)
    {
        Interlocked.Increment(ref _reads);
        return _values.TryGetValue(hash, out var value) ? Task.FromResult<ReadOnlyMemory<byte>>(value) : throw new PayloadNotFoundException(hash);
    }

    public Task RetainAsync(string instanceId, IReadOnlyCollection<string> hashes, CancellationToken cancellationToken = default)
    {
        foreach (var hash in hashes.Where(_values.ContainsKey))
        {
            _kept[(instanceId, hash)] = true;
        }

        return Task.CompletedTask;
    }

    public Task<int> ReleaseAsync(string instanceId, CancellationToken cancellationToken = default)
    {
        var removed = 0;
        foreach (var (instance, hash) in _kept.Keys.Where(key => key.Instance == instanceId))
        {
            _kept.TryRemove((instance, hash), out _);
            removed += !_kept.Keys.Any(key => key.Hash == hash) && _values.TryRemove(hash, out _) ? 1 : 0;
        }

        return Task.FromResult(removed);
    }
}
