using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Polyphony.Core.Durable;
using Polyphony.Core.Payloads;

namespace Polyphony.Core.Runs;

/// <summary>Keeps the state of an instance in the payload store when it is too large for a history event: its JSON, divided into texts that come back in place.</summary>
internal static class StoredText
{
    // Written as JSON, a list of one such text stays below Payload.InlineLimitBytes: the JSON of a state is mostly ASCII, and its quotes are escaped.
    private const int PartLength = 1_800;

    // Calls that fetch parts carry so many references.
    private const int MaxBytes = 3;

    public static async Task<IReadOnlyList<Payload>> StoreAsync(OrchestrationContext context, string text)
    {
        var parts = new List<Payload>();
        for (var start = 0; start < text.Length;)
        {
            var length = PartLength;
            while (Encoding.UTF8.GetByteCount(Quote(text, start, length)) > Payload.InlineLimitBytes - MaxBytes)
            {
                length /= 2;
            }

            parts.Add(Payload.FromText(Encoding.UTF8.GetBytes(Quote(text, start, length))));
            start += length;
        }

        return await CallsOf(context).StoreAllAsync(parts);
    }

    public static async Task<string> LoadAsync(OrchestrationContext context, IReadOnlyList<Payload> parts)
    {
        var calls = CallsOf(context);
        var text = new StringBuilder();
        foreach (var part in await Task.WhenAll(parts.Select(part => part.IsInline ? Task.FromResult(part) : LoadAsync(calls, part))))
        {
            text.Append(part.Json!.Value.GetString());
        }

        return text.ToString();
    }

    private static async Task<Payload> LoadAsync(RunCalls calls, Payload part) => (await calls.PackAsync([part])).Item(0);

    private static string Quote(string text, int start, int length) =>
        $"\"{JsonEncodedText.Encode(text.AsSpan(start, Math.Min(length, text.Length - start)), JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";

    // Packing evaluates nothing, so no definition is needed.
    private static RunCalls CallsOf(OrchestrationContext context) => new(context, null!, context.InstanceId);
}
