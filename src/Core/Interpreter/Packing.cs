using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;

namespace Polyphony.Core.Interpreter;

/// <summary>Makes one list of several values. Pure: the interpreter packs small values itself, and an activity those that are in the payload store.</summary>
public static class Packing
{
    /// <summary>Arranges values in any mode but <see cref="PackMode.Results"/>, whose items have to be resolved first: see <see cref="Results"/>.</summary>
    /// <param name="mode">How.</param>
    /// <param name="parts">The values; lists, unless the mode is <see cref="PackMode.Items"/>.</param>
    /// <returns>The items of the new list.</returns>
    /// <exception cref="PolyphonyException">A list was expected, or the mode is unknown.</exception>
    public static IEnumerable<JsonElement> Arrange(PackMode mode, IEnumerable<JsonElement> parts) => mode switch
    {
        PackMode.Items => parts,
        PackMode.Concat => Join(parts),
        PackMode.Outcomes => Join(parts).OrderBy(OrderOf, StringComparer.Ordinal),
        PackMode.Errors => Join(parts).Where(outcome => !IsCompleted(outcome)).Select(ErrorOf),
        _ => throw new PolyphonyException("pack_mode_unknown", $"This host cannot pack values as \"{mode}\"; a newer one wrote the call."),
    };

    /// <summary>Reads where the results of completed outcomes are: the items of <see cref="PackMode.Results"/>, before they are resolved.</summary>
    /// <param name="parts">Lists of outcomes.</param>
    /// <returns>The results in the order of the outcomes.</returns>
    /// <exception cref="PolyphonyException">A list was expected.</exception>
    public static IReadOnlyList<Payload> Results(IEnumerable<JsonElement> parts) =>
    [
        .. Join(parts)
            .Where(IsCompleted)
            .Select(outcome => outcome.TryGetProperty("result", out var result) ? result.Deserialize(CoreJsonContext.Default.Payload)! : Payload.Null),
    ];

    /// <summary>Writes a list.</summary>
    /// <param name="items">The items.</param>
    /// <returns>UTF-8 JSON.</returns>
    public static ReadOnlyMemory<byte> Write(IEnumerable<JsonElement> items)
    {
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

        return buffer.WrittenMemory;
    }

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
}
