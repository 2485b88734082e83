using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Polyphony.Core.Durable;
using Polyphony.Engine.Storage;

namespace Polyphony.Engine.Runtime;

/// <summary>Unfinished instances of which something in the data file cannot be read. They stand still; the others are not concerned. Thread-safe.</summary>
internal sealed class DamagedInstances(ILogger log)
{
    private const string Code = "instance_damaged";

    private readonly ConcurrentDictionary<string, string> _found = new(StringComparer.Ordinal);

    internal int Count => _found.Count;

    internal bool Contains(string id) => _found.ContainsKey(id);

    internal void Add(string id, string found)
    {
        _found[id] = found;
        Log.InstanceDamaged(log, id, found);
    }

    internal void Remove(string id) => _found.TryRemove(id, out _);

    /// <exception cref="PolyphonyException">The instance is damaged.</exception>
    internal void Check(string id)
    {
        if (_found.TryGetValue(id, out var found))
        {
            throw Error(id, found);
        }
    }

    /// <summary>Reads something of an instance; damage becomes an error that names the instance.</summary>
    internal static T Read<T>(string id, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (DataFileException e) when (e.IsCorrupt)
        {
            throw Error(id, e.Found, e);
        }
    }

    internal static PolyphonyException Error(string id, string found, Exception? cause = null) => new(Code, Text(id, found), cause);

    internal static FailureDetails Details(string id, string found) => new(Code, Text(id, found));

    /// <summary>Describes an instance of which nothing but the key, and perhaps the id, is known.</summary>
    internal static OrchestrationMetadata Describe(string id, string found) => new()
    {
        InstanceId = id,
        Name = "",
        RuntimeStatus = OrchestrationRuntimeStatus.Suspended,
        CreatedTime = DateTimeOffset.UnixEpoch,
        LastUpdatedTime = DateTimeOffset.UnixEpoch,
        Tags = new Dictionary<string, string>(),
        FailureDetails = Details(id, found),
        Version = 0,
    };

    internal string? Find(string id) => _found.GetValueOrDefault(id);

    private static string Text(string id, string found) =>
        $"Instance \"{id}\" is stored in a damaged part of the data file: {found}. \"polyphony check\" lists everything that is damaged; a backup brings it back.";
}
