using System.Buffers;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;

namespace Polyphony.Core.Runs;

/// <summary>
/// A <see cref="RunState"/> that is too large to pass on unchanged: the state of a graph of thousands of nodes, or of hundreds with a result each in the payload store.
/// </summary>
/// <remarks>
/// Its JSON compressed with Brotli (RFC 7932), in Base64, divided into texts: one in place if that fits, otherwise in the payload store. They are short enough to come back
/// in place from <see cref="TaskNames.Pack"/>.
/// </remarks>
/// <param name="Bytes">The size of the JSON.</param>
/// <param name="Parts">The texts, in order.</param>
internal sealed record PackedState(int Bytes, IReadOnlyList<Payload> Parts)
{
    // Fast, and a tenth of what repeats as much as states do. The window covers all of a state.
    private const int Quality = 5;
    private const int Window = 22;

    // A list of one such text stays below Payload.InlineLimitBytes.
    private const int PartLength = 4000;

    // A state is written by the interpreter; a length beyond this is none.
    private const int MaxBytes = 64 * 1024 * 1024;

    /// <summary>Packs a state, as one text in place.</summary>
    internal static PackedState Create(RunState state)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(state, CoreJsonContext.Default.RunState);
        var buffer = ArrayPool<byte>.Shared.Rent(BrotliEncoder.GetMaxCompressedLength(json.Length));
        try
        {
            if (!BrotliEncoder.TryCompress(json, buffer, out var length, Quality, Window))
            {
                throw new PolyphonyException("state_not_packed", $"A state of {json.Length:N0} bytes could not be compressed.");
            }

            return new PackedState(json.Length, [ToPayload(Convert.ToBase64String(buffer, 0, length))]);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Moves the text to the payload store.</summary>
    internal async Task<PackedState> StoreAsync(RunCalls calls)
    {
        var text = ToText(Parts[0]);
        var parts = Enumerable.Range(0, (text.Length + PartLength - 1) / PartLength)
            .Select(part => ToPayload(text.Substring(part * PartLength, Math.Min(PartLength, text.Length - (part * PartLength)))));
        return this with { Parts = await calls.StoreAllAsync([.. parts]) };
    }

    /// <summary>Unpacks the state.</summary>
    /// <exception cref="PolyphonyException">It is not what was packed.</exception>
    internal async Task<RunState> LoadAsync(RunCalls calls)
    {
        var text = new StringBuilder();
        foreach (var part in await Task.WhenAll(Parts.Select(LoadPartAsync)))
        {
            text.Append(part);
        }

        if (Bytes is < 0 or > MaxBytes)
        {
            throw Damaged();
        }

        var json = new byte[Bytes];
        return BrotliDecoder.TryDecompress(Convert.FromBase64String(text.ToString()), json, out var length) && length == Bytes
            ? JsonSerializer.Deserialize(json, CoreJsonContext.Default.RunState)!
            : throw Damaged();

        // A list of one short text comes back in place.
        async Task<string> LoadPartAsync(Payload part) => ToText(part.IsInline ? part : (await calls.PackAsync([part])).Item(0));

        PolyphonyException Damaged() => new("state_damaged", $"The state of the instance, {Bytes:N0} bytes in {Parts.Count} parts, is not what was packed.");
    }

    // Base64 needs no escapes.
    private static Payload ToPayload(string text) => Payload.FromText(Encoding.ASCII.GetBytes($"\"{text}\""));

    private static string ToText(Payload part) => part.Json?.GetString() ?? throw new PolyphonyException("state_damaged", "A part of the instance's state is not in place.");
}
