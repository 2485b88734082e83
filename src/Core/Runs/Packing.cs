using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;

namespace Polyphony.Core.Runs;

/// <summary>Makes one list of several values. Pure: the interpreter packs small values itself, and an activity those that are in the payload store.</summary>
internal static class Packing
{
    /// <summary>Gets a list without items.</summary>
    internal static Payload EmptyList { get; } = Payload.Inline(JsonElement.Parse("[]"u8));

    /// <summary>Arranges values in any mode that makes a list, but <see cref="PackMode.Text"/> and <see cref="PackMode.Results"/>, whose items have to be resolved first: see <see cref="Results"/>.</summary>
    /// <param name="mode">How.</param>
    /// <param name="parts">The values; lists, unless the mode is <see cref="PackMode.Items"/>.</param>
    /// <returns>The items of the new list.</returns>
    /// <exception cref="PolyphonyException">A list was expected, or the mode is unknown.</exception>
    public static IEnumerable<JsonElement> Arrange(PackMode mode, IEnumerable<JsonElement> parts) => mode switch
    {
        PackMode.Items or PackMode.Stored => parts,
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
            .Select(outcome => outcome.TryGetProperty("result", out var result) ? ToPayload(result) : Payload.Null),
    ];

    /// <summary>Reads where the contents of messages are: they are to be resolved for <see cref="WriteConversation"/>.</summary>
    /// <param name="lists">Lists of <see cref="ContextMessage"/>.</param>
    public static IReadOnlyList<Payload> Contents(IEnumerable<JsonElement> lists) => [.. Join(lists).Select(message => ToPayload(message.GetProperty("content")))];

    /// <summary>Writes what <see cref="PackMode.Conversation"/> makes.</summary>
    /// <param name="parts">An object, and lists of <see cref="ContextMessage"/>.</param>
    /// <param name="contents">The contents of the messages, in order.</param>
    /// <returns>UTF-8 JSON.</returns>
    public static byte[] WriteConversation(IReadOnlyList<JsonElement> parts, IReadOnlyList<JsonElement> contents)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = JsonLimits.MaxDepth }))
        {
            writer.WriteStartObject();
            foreach (var member in parts[0].EnumerateObject())
            {
                member.WriteTo(writer);
            }

            writer.WritePropertyName("last");
            writer.WriteRawValue(contents.Count == 0 ? "null"u8 : JsonMarshal.GetRawUtf8Value(contents[^1]));
            writer.WriteStartArray("messages");
            var next = 0;
            foreach (var message in Join(parts.Skip(1)))
            {
                writer.WriteStartObject();
                if (message.TryGetProperty("agent", out var agent))
                {
                    writer.WritePropertyName("agent");
                    agent.WriteTo(writer);
                }
                else
                {
                    writer.WriteNull("agent");
                }

                writer.WritePropertyName("role");
                message.GetProperty("role").WriteTo(writer);
                writer.WritePropertyName("content");
                writer.WriteRawValue(JsonMarshal.GetRawUtf8Value(contents[next++]));
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Writes a list of values, each with the text that it was read with.</summary>
    /// <param name="items">The items.</param>
    /// <returns>UTF-8 JSON.</returns>
    public static byte[] Write(IReadOnlyCollection<JsonElement> items)
    {
        var list = new ListWriter(items.Count, items.Sum(item => JsonMarshal.GetRawUtf8Value(item).Length));
        foreach (var item in items)
        {
            list.Add(JsonMarshal.GetRawUtf8Value(item));
        }

        return list.End();
    }

    /// <summary>Writes a list of values that are there as text.</summary>
    /// <param name="items">The items, each UTF-8 JSON.</param>
    /// <returns>UTF-8 JSON.</returns>
    public static byte[] Write(IReadOnlyCollection<byte[]> items)
    {
        var list = new ListWriter(items.Count, items.Sum(item => item.Length));
        foreach (var item in items)
        {
            list.Add(item);
        }

        return list.End();
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

    // A value in place stays in the list that it is in: it is not copied for being looked at.
    private static Payload ToPayload(JsonElement payload) =>
        payload.TryGetProperty("json", out var json) ? Payload.Inline(json) : payload.Deserialize(CoreJsonContext.Default.Payload)!;

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

        return JsonElement.Parse(buffer.WrittenSpan, JsonLimits.Document);
    }

    /// <summary>Writes the text of a list of known size.</summary>
    private ref struct ListWriter
    {
        private readonly byte[] _list;
        private int _length = 1;

        public ListWriter(int count, int bytes)
        {
            _list = new byte[bytes + Math.Max(0, count - 1) + 2];
            _list[0] = (byte)'[';
        }

        public void Add(ReadOnlySpan<byte> item)
        {
            if (_length > 1)
            {
                _list[_length++] = (byte)',';
            }

            item.CopyTo(_list.AsSpan(_length));
            _length += item.Length;
        }

        public readonly byte[] End()
        {
            _list[_length] = (byte)']';
            return _list;
        }
    }
}
