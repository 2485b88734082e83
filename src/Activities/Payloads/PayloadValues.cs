using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;
using Polyphony.Expressions;

namespace Polyphony.Activities.Payloads;

/// <summary>
/// Reads and writes the values behind payloads. What was parsed lately is kept, so that ten thousand items that refer to one
/// stored list do not parse it ten thousand times, and calls at the same time parse it once. Thread-safe.
/// </summary>
internal sealed class PayloadValues(IPayloadStore store, long cacheBytes)
{
    // How many stored values are read at once: enough to hide the latency of a remote store.
    private const int ReadConcurrency = 16;

    private static readonly JsonWriterOptions StoredFormat = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly WeightedCache<JsonElement> _parsed = new(cacheBytes);
    private readonly ConcurrentDictionary<string, Lazy<Task<JsonElement>>> _reading = new(StringComparer.Ordinal);

    /// <summary>Reads one value.</summary>
    public async ValueTask<JsonElement> ReadAsync(Payload payload, CancellationToken cancellationToken)
    {
        if (payload.Reference is not { } reference)
        {
            return payload.Json!.Value;
        }

        if (!_parsed.TryGet(reference.Hash, out var root))
        {
            root = await _reading.GetOrAdd(reference.Hash, hash => new Lazy<Task<JsonElement>>(() => LoadAsync(hash))).Value.WaitAsync(cancellationToken);
        }

        return JsonPointer.Find(root, payload.Pointer) ?? throw new PayloadNotFoundException($"{reference.Hash}{payload.Pointer}");
    }

    /// <summary>Reads several values, each once.</summary>
    public async Task<IReadOnlyDictionary<Payload, JsonElement>> ReadAllAsync(IEnumerable<Payload> payloads, CancellationToken cancellationToken)
    {
        // Lanes, and not Parallel.ForEachAsync: these stay where the caller is, so that a simulation draws their order too.
        var open = new ConcurrentQueue<Payload>(payloads.Where(payload => !payload.IsInline).Distinct());
        var values = new ConcurrentDictionary<Payload, JsonElement>();
        await Task.WhenAll(Enumerable.Range(0, Math.Min(ReadConcurrency, open.Count)).Select(_ => ReadLaneAsync()));
        return values;

        async Task ReadLaneAsync()
        {
            while (open.TryDequeue(out var payload))
            {
                values[payload] = await ReadAsync(payload, cancellationToken);
            }
        }
    }

    /// <summary>Keeps a value: in place if it is small, otherwise in the store.</summary>
    public async Task<Payload> WriteAsync(string instanceId, JsonElement value, CancellationToken cancellationToken)
    {
        var json = Format(value);
        return Payload.MayBeInline(json.Span) ? Payload.Inline(JsonElement.Parse(json.Span, JsonLimits.Document)) : await StoreAsync(instanceId, json, value, cancellationToken);
    }

    /// <summary>Keeps a value in the store, however small it is.</summary>
    public Task<Payload> StoreAsync(string instanceId, JsonElement value, CancellationToken cancellationToken) =>
        StoreAsync(instanceId, Format(value), value, cancellationToken);

    /// <summary>Keeps a list that is there as UTF-8 JSON already.</summary>
    public async Task<Payload> WriteListAsync(string instanceId, byte[] json, int count, bool always, CancellationToken cancellationToken) =>
        !always && Payload.MayBeInline(json)
            ? Payload.Inline(JsonElement.Parse(json, JsonLimits.Document))
            : new Payload { Reference = new PayloadReference(await store.PutAsync(instanceId, json, cancellationToken), json.Length, "array", count) };

    public Task<Payload> WriteTextAsync(string instanceId, string text, CancellationToken cancellationToken) =>
        WriteAsync(instanceId, CallJson.Text(text), cancellationToken);

    /// <exception cref="ValueTooDeepException">It is nested deeper than <see cref="JsonLimits.MaxValueDepth"/>.</exception>
    private static ReadOnlyMemory<byte> Format(JsonElement value)
    {
        if (JsonLimits.DepthOf(JsonMarshal.GetRawUtf8Value(value)) > JsonLimits.MaxValueDepth)
        {
            throw new ValueTooDeepException();
        }

        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, StoredFormat))
        {
            value.WriteTo(writer);
        }

        return buffer.WrittenMemory;
    }

    private async Task<Payload> StoreAsync(string instanceId, ReadOnlyMemory<byte> json, JsonElement value, CancellationToken cancellationToken) =>
        new() { Reference = PayloadReader.Describe(await store.PutAsync(instanceId, json, cancellationToken), json.Length, value) };

    private async Task<JsonElement> LoadAsync(string hash)
    {
        try
        {
            // It may have been read between the caller's look into the cache and this one.
            if (_parsed.TryGet(hash, out var known))
            {
                return known;
            }

            // Not cancelled with any one caller: others wait for the same value.
            var bytes = await store.GetAsync(hash, CancellationToken.None);
            var value = JsonDocument.Parse(bytes, JsonLimits.Document).RootElement;
            _parsed.Set(hash, value, bytes.Length);
            return value;
        }
        finally
        {
            _reading.TryRemove(hash, out _);
        }
    }
}
