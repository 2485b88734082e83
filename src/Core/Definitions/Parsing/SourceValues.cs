using System.Text.Encodings.Web;
using System.Text.Json;
using Polyphony.Core.Definitions.Sources;
using Polyphony.Expressions;

namespace Polyphony.Core.Definitions.Parsing;

/// <summary>Reads source nodes as plain JSON values.</summary>
internal static class SourceValues
{
    private static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Names what a value is, for messages: <c>the number 3</c>.</summary>
    public static string Describe(SourceNode node) => node switch
    {
        SourceMapping => "an object",
        SourceSequence => "an array",
        SourceScalar { Value: null } => "nothing",
        SourceScalar { Value: bool } scalar => scalar.Text,
        SourceScalar { Value: string text } => $"the string \"{Shorten(text)}\"",
        SourceScalar scalar => $"the number {scalar.Text}",
        _ => "something else",
    };

    public static string Shorten(string text)
    {
        var line = text.ReplaceLineEndings(" ");
        return line.Length <= 40 ? line : string.Concat(line.AsSpan(0, char.IsHighSurrogate(line[38]) ? 38 : 39), "…");
    }

    /// <summary>Converts a value to JSON; keys written twice and numbers that JSON lacks are reported.</summary>
    public static JsonElement? ToJson(ParseContext context, SourceNode node, string path)
    {
        var before = context.Problems.Count;
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, WriterOptions))
        {
            Write(context, writer, node, path);
        }

        if (context.Problems.Count > before)
        {
            return null;
        }

        using var document = JsonDocument.Parse(buffer.WrittenMemory, new JsonDocumentOptions { MaxDepth = SourceLimits.MaxDepth + 1 });
        return document.RootElement.Clone();
    }

    /// <summary>Finds the node that a JSON pointer names, or the last one on the way to it that is there.</summary>
    public static (SourceNode Node, string Path) Find(SourceNode node, string path, string pointer)
    {
        foreach (var key in JsonPointer.Parts(pointer))
        {
            if (node is SourceMapping mapping && mapping.Find(key) is { } value)
            {
                node = value;
                path = ParseContext.Join(path, key);
            }
            else if (node is SourceSequence sequence && JsonPointer.TryIndex(key, sequence.Items.Count, out var index))
            {
                node = sequence.Items[index];
                path += $"[{index}]";
            }
            else
            {
                break;
            }
        }

        return (node, path);
    }

    private static void Write(ParseContext context, Utf8JsonWriter writer, SourceNode node, string path)
    {
        switch (node)
        {
            case SourceMapping mapping:
                writer.WriteStartObject();
                var keys = new HashSet<string>(StringComparer.Ordinal);
                foreach (var entry in mapping.Entries)
                {
                    if (!keys.Add(entry.Key))
                    {
                        context.Error("duplicate_key", ParseContext.Join(path, entry.Key), entry.KeyLocation, $"the key \"{entry.Key}\" is written twice", "Keep one of them.");
                        continue;
                    }

                    writer.WritePropertyName(entry.Key);
                    Write(context, writer, entry.Value, ParseContext.Join(path, entry.Key));
                }

                writer.WriteEndObject();
                break;
            case SourceSequence sequence:
                writer.WriteStartArray();
                for (var i = 0; i < sequence.Items.Count; i++)
                {
                    Write(context, writer, sequence.Items[i], $"{path}[{i}]");
                }

                writer.WriteEndArray();
                break;
            case SourceScalar scalar:
                WriteScalar(context, writer, scalar, path);
                break;
        }
    }

    private static void WriteScalar(ParseContext context, Utf8JsonWriter writer, SourceScalar scalar, string path)
    {
        switch (scalar.Value)
        {
            case null:
                writer.WriteNullValue();
                break;
            case bool value:
                writer.WriteBooleanValue(value);
                break;
            case long value:
                writer.WriteNumberValue(value);
                break;
            case double value when double.IsFinite(value):
                writer.WriteNumberValue(value);
                break;
            case double:
                context.Error("invalid_value", path, scalar.Location, $"the number {SourceValues.Shorten(scalar.Text)} is too large", "Numbers reach to about 1.8e308; write a string in quotes if one is meant.");
                writer.WriteNullValue();
                break;
            default:
                writer.WriteStringValue((string)scalar.Value);
                break;
        }
    }

    /// <summary>Reads true or false.</summary>
    public static bool? Flag(MapReader map, string key)
    {
        switch (map.Value(key))
        {
            case null:
                return null;
            case SourceScalar { Value: bool value }:
                return value;
            case var other:
                map.WrongType(key, other, "true or false");
                return null;
        }
    }
}
