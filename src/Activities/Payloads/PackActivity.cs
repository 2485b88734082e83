using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Polyphony.Core;
using Polyphony.Core.Interpreter;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;

namespace Polyphony.Activities.Payloads;

/// <summary>Puts values together into one list.</summary>
internal sealed class PackActivity(PayloadValues values)
{
    public async Task<Payload> RunAsync(PackCall call, CancellationToken cancellationToken)
    {
        var stored = await values.ReadAllAsync(call.Values, cancellationToken);
        var parts = call.Values.Select(value => Resolve(value, stored));
        var items = call.Mode switch
        {
            PackMode.Items => parts,
            PackMode.Concat => Join(parts),
            PackMode.Outcomes => Join(parts).OrderBy(OrderOf, StringComparer.Ordinal),
            PackMode.Results => await ResultsAsync(Join(parts), cancellationToken),
            PackMode.Errors => Join(parts).Where(outcome => !IsCompleted(outcome)).Select(ErrorOf),
            _ => throw new PolyphonyException("pack_mode_unknown", $"This host cannot pack values as \"{call.Mode}\"; a newer one wrote the call."),
        };

        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            writer.WriteStartArray();
            foreach (var item in items)
            {
                item.WriteTo(writer);
            }

            writer.WriteEndArray();
        }

        return await values.WriteAsync(call.RootInstanceId, buffer.WrittenMemory, JsonElement.Parse(buffer.WrittenSpan), cancellationToken);
    }

    private static JsonElement Resolve(Payload payload, IReadOnlyDictionary<Payload, JsonElement> stored) =>
        payload.IsInline ? payload.Json ?? Payload.Null.Json!.Value : stored[payload];

    private static IEnumerable<JsonElement> Join(IEnumerable<JsonElement> lists)
    {
        foreach (var list in lists)
        {
            if (list.ValueKind != JsonValueKind.Array)
            {
                throw new PolyphonyException("pack_list_expected", $"Lists were expected to be packed end to end; found a JSON {list.ValueKind}.");
            }

            foreach (var item in list.EnumerateArray())
            {
                yield return item;
            }
        }
    }

    private static string OrderOf(JsonElement outcome) => outcome.GetProperty("order").GetString()!;

    private static bool IsCompleted(JsonElement outcome) => outcome.GetProperty("status").ValueEquals("completed");

    private static JsonElement ErrorOf(JsonElement outcome)
    {
        var error = outcome.TryGetProperty("error", out var found) ? found.Deserialize(CoreJsonContext.Default.CallError) : null;
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            if (outcome.TryGetProperty("index", out var index))
            {
                writer.WritePropertyName("index");
                index.WriteTo(writer);
            }
            else
            {
                writer.WriteNull("index");
            }

            writer.WriteString("code", error?.Code ?? ErrorCodes.ActivityFailed);
            writer.WriteString("message", error?.Message ?? "");
            writer.WriteEndObject();
        }

        return JsonElement.Parse(buffer.WrittenSpan);
    }

    private async Task<IEnumerable<JsonElement>> ResultsAsync(IEnumerable<JsonElement> outcomes, CancellationToken cancellationToken)
    {
        var results = outcomes
            .Where(IsCompleted)
            .Select(outcome => outcome.TryGetProperty("result", out var result) ? result.Deserialize(CoreJsonContext.Default.Payload)! : Payload.Null)
            .ToArray();
        var stored = await values.ReadAllAsync(results, cancellationToken);
        return results.Select(result => Resolve(result, stored));
    }
}
