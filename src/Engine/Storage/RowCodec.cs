using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Polyphony.Core.Durable.History;
using Polyphony.Core.Json;

namespace Polyphony.Engine.Storage;

/// <summary>
/// The bytes of a log row: a short binary head, then events. Those of every step are binary too, so that the JSON they carry is copied as it is
/// and not escaped into other JSON; the others are JSON in Core's contract. The time stands once in the head instead of in every event.
/// </summary>
/// <remarks>
/// <code>
/// version = 1, kind, time (ticks)
/// kind 1, step:    first sequence, flags, [generation], [custom status], number of items, items, [rows carried over]
///                  an item is 0 + event, or the number of the message row that the step took in
/// kind 2, message: generation (0 = any), event: something that arrived and is not yet part of the history
/// event:           length + JSON, or 0 and a short form
/// short form:      1 (OrchestratorStarted), 2 + task + name + input (TaskScheduled), 3 + task + result (TaskCompleted)
/// </code>
/// Numbers are unsigned LEB128. Texts are their length in bytes and UTF-8; one that may be missing has its length plus one, or 0.
/// </remarks>
internal static class RowCodec
{
    private const byte Version = 1;
    private const byte Step = 1;
    private const byte Message = 2;
    private const byte ShortOrchestratorStarted = 1;
    private const byte ShortTaskScheduled = 2;
    private const byte ShortTaskCompleted = 3;

    private static readonly JsonTypeInfo<HistoryEvent> EventType = MakeEventType();

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _buffer;

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _json;

    [ThreadStatic]
    private static Utf8JsonWriter? _writer;

    [Flags]
    private enum Flags : byte
    {
        None = 0,
        CustomStatus = 1,
        CustomStatusCleared = 2,
        Generation = 4,
        CarriedRows = 8,
    }

    internal static byte[] EncodeStep(StepRow row)
    {
        var buffer = Begin(Step, row.Time);
        WriteNumber(buffer, (ulong)row.FirstSequence);
        var flags = (row.Generation > 0 ? Flags.Generation : Flags.None) |
            (row.SetsCustomStatus ? row.CustomStatus is null ? Flags.CustomStatusCleared : Flags.CustomStatus : Flags.None);
        WriteByte(buffer, (byte)flags);
        if (row.Generation > 0)
        {
            WriteNumber(buffer, (ulong)row.Generation);
        }

        if (flags.HasFlag(Flags.CustomStatus))
        {
            WriteText(buffer, row.CustomStatus!);
        }

        WriteNumber(buffer, (ulong)row.Items.Count);
        foreach (var item in row.Items)
        {
            WriteNumber(buffer, (ulong)item.MessageRow);
            if (item.MessageRow == 0)
            {
                WriteEvent(buffer, item.Event!);
            }
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Adds to the first row of a generation the message rows before it that are still to be taken in.</summary>
    internal static byte[] WithCarriedRows(byte[] data, IReadOnlyCollection<long> rows)
    {
        var buffer = _buffer ??= new ArrayBufferWriter<byte>(1024);
        buffer.ResetWrittenCount();
        var reader = new Reader(data);
        reader.Skip(2);
        reader.Number();
        reader.Number();
        var flagsAt = reader.Position;
        buffer.Write(data);
        WriteNumber(buffer, (ulong)rows.Count);
        foreach (var row in rows)
        {
            WriteNumber(buffer, (ulong)row);
        }

        var result = buffer.WrittenSpan.ToArray();
        result[flagsAt] |= (byte)Flags.CarriedRows;
        return result;
    }

    internal static byte[] EncodeMessage(DateTimeOffset time, int generation, HistoryEvent message)
    {
        var buffer = Begin(Message, time);
        WriteNumber(buffer, (ulong)generation);
        WriteEvent(buffer, message);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Says whether a row begins a generation, from its head alone.</summary>
    internal static bool BeginsGeneration(ReadOnlySpan<byte> data)
    {
        var reader = new Reader(data);
        if (ReadHead(ref reader) != Step)
        {
            return false;
        }

        reader.Number();
        reader.Number();
        return ((Flags)reader.Byte()).HasFlag(Flags.Generation);
    }

    /// <summary>Reads a row: either a step or a message.</summary>
    /// <exception cref="InvalidDataException">The bytes are no row.</exception>
    internal static (StepRow? Step, MessageRow? Message) Decode(ReadOnlySpan<byte> data)
    {
        try
        {
            var reader = new Reader(data);
            var kind = ReadHead(ref reader);
            var time = new DateTimeOffset((long)reader.Number(), TimeSpan.Zero);
            return kind == Step ? (DecodeStep(ref reader, time), null) : (null, new MessageRow(time, (int)reader.Number(), ReadEvent(ref reader, time)));
        }
        catch (Exception e) when (e is IndexOutOfRangeException or ArgumentOutOfRangeException or JsonException or NotSupportedException or OverflowException)
        {
            throw new InvalidDataException($"a row of {data.Length} bytes cannot be decoded: {e.Message}", e);
        }
    }

    internal static void WriteNumber(ArrayBufferWriter<byte> buffer, ulong value)
    {
        var span = buffer.GetSpan(10);
        var length = 0;
        while (value >= 0x80)
        {
            span[length++] = (byte)(value | 0x80);
            value >>= 7;
        }

        span[length++] = (byte)value;
        buffer.Advance(length);
    }

    internal static void WriteText(ArrayBufferWriter<byte> buffer, string text) => WriteText(buffer, text, plus: 0);

    private static void WriteOptionalText(ArrayBufferWriter<byte> buffer, string? text)
    {
        if (text is null)
        {
            WriteNumber(buffer, 0);
        }
        else
        {
            WriteText(buffer, text, plus: 1);
        }
    }

    private static void WriteText(ArrayBufferWriter<byte> buffer, string text, int plus)
    {
        var length = Encoding.UTF8.GetByteCount(text);
        WriteNumber(buffer, (ulong)(length + plus));
        buffer.Advance(Encoding.UTF8.GetBytes(text, buffer.GetSpan(Math.Max(length, 1))));
    }

    private static StepRow DecodeStep(ref Reader reader, DateTimeOffset time)
    {
        var first = (long)reader.Number();
        var flags = (Flags)reader.Byte();
        var generation = flags.HasFlag(Flags.Generation) ? (int)reader.Number() : 0;
        var status = flags.HasFlag(Flags.CustomStatus) ? reader.Text() : null;
        var count = (int)reader.Number();
        var items = new List<StepItem>(Math.Min(count, 1024));
        for (var i = 0; i < count; i++)
        {
            var message = (long)reader.Number();
            items.Add(message > 0 ? new StepItem(null, message) : new StepItem(ReadEvent(ref reader, time), 0));
        }

        var carried = new List<long>();
        if (flags.HasFlag(Flags.CarriedRows))
        {
            for (var left = (int)reader.Number(); left > 0; left--)
            {
                carried.Add((long)reader.Number());
            }
        }

        return new StepRow
        {
            Time = time,
            FirstSequence = first,
            Generation = generation,
            SetsCustomStatus = (flags & (Flags.CustomStatus | Flags.CustomStatusCleared)) != Flags.None,
            CustomStatus = status,
            Items = items,
            CarriedRows = carried,
        };
    }

    private static byte ReadHead(ref Reader reader)
    {
        var version = reader.Byte();
        var kind = reader.Byte();
        return version == Version && kind is Step or Message
            ? kind
            : throw new InvalidDataException($"a row of version {version} and kind {kind} was found; expected version {Version} and kind {Step} or {Message}");
    }

    private static HistoryEvent ReadEvent(ref Reader reader, DateTimeOffset time)
    {
        var length = (int)reader.Number();
        if (length == 0)
        {
            return ReadShort(ref reader, time);
        }

        var read = JsonSerializer.Deserialize(reader.Bytes(length), EventType) ?? throw new JsonException("The event is null.");
        return read with { Timestamp = time };
    }

    private static HistoryEvent ReadShort(ref Reader reader, DateTimeOffset time) => reader.Byte() switch
    {
        ShortOrchestratorStarted => new OrchestratorStarted { Timestamp = time },
        ShortTaskScheduled => new TaskScheduled((int)reader.Number(), reader.Text(), reader.OptionalText()) { Timestamp = time },
        ShortTaskCompleted => new TaskCompleted((int)reader.Number(), reader.OptionalText()) { Timestamp = time },
        var other => throw new JsonException($"Short form {other} is unknown."),
    };

    private static void WriteEvent(ArrayBufferWriter<byte> buffer, HistoryEvent value)
    {
        switch (value)
        {
            case OrchestratorStarted:
                BeginShort(buffer, ShortOrchestratorStarted);
                break;
            case TaskScheduled e:
                BeginShort(buffer, ShortTaskScheduled);
                WriteNumber(buffer, (ulong)e.TaskId);
                WriteText(buffer, e.Name);
                WriteOptionalText(buffer, e.Input);
                break;
            case TaskCompleted e:
                BeginShort(buffer, ShortTaskCompleted);
                WriteNumber(buffer, (ulong)e.TaskId);
                WriteOptionalText(buffer, e.Result);
                break;
            default:
                WriteJson(buffer, value);
                break;
        }
    }

    private static void BeginShort(ArrayBufferWriter<byte> buffer, byte form)
    {
        WriteByte(buffer, 0);
        WriteByte(buffer, form);
    }

    private static void WriteJson(ArrayBufferWriter<byte> buffer, HistoryEvent value)
    {
        var json = _json ??= new ArrayBufferWriter<byte>(1024);
        json.ResetWrittenCount();
        var writer = _writer ??= new Utf8JsonWriter(json, new JsonWriterOptions { SkipValidation = true });
        writer.Reset(json);
        JsonSerializer.Serialize(writer, value, EventType);
        writer.Flush();
        WriteNumber(buffer, (ulong)json.WrittenCount);
        buffer.Write(json.WrittenSpan);
    }

    private static ArrayBufferWriter<byte> Begin(byte kind, DateTimeOffset time)
    {
        var buffer = _buffer ??= new ArrayBufferWriter<byte>(1024);
        buffer.ResetWrittenCount();
        WriteByte(buffer, Version);
        WriteByte(buffer, kind);
        WriteNumber(buffer, (ulong)time.UtcTicks);
        return buffer;
    }

    private static void WriteByte(ArrayBufferWriter<byte> buffer, byte value)
    {
        buffer.GetSpan(1)[0] = value;
        buffer.Advance(1);
    }

    private static JsonTypeInfo<HistoryEvent> MakeEventType()
    {
        var options = new JsonSerializerOptions(CoreJsonContext.Default.Options)
        {
            TypeInfoResolver = CoreJsonContext.Default.WithAddedModifier(static type =>
            {
                if (!typeof(HistoryEvent).IsAssignableFrom(type.Type))
                {
                    return;
                }

                foreach (var property in type.Properties.Where(static property => property.Name == "timestamp"))
                {
                    property.ShouldSerialize = static (_, _) => false;
                }
            }),
        };
        return (JsonTypeInfo<HistoryEvent>)options.GetTypeInfo(typeof(HistoryEvent));
    }

    /// <summary>Reads numbers, texts and bytes from the start to the end.</summary>
    internal ref struct Reader(ReadOnlySpan<byte> data)
    {
        private readonly ReadOnlySpan<byte> _data = data;

        internal int Position { get; private set; }

        internal void Skip(int count) => Position += count;

        internal byte Byte() => _data[Position++];

        internal ulong Number()
        {
            ulong value = 0;
            for (var shift = 0; ; shift += 7)
            {
                var next = Byte();
                value |= (ulong)(next & 0x7f) << shift;
                if (next < 0x80)
                {
                    return value;
                }

                ArgumentOutOfRangeException.ThrowIfGreaterThan(shift, 56);
            }
        }

        internal ReadOnlySpan<byte> Bytes(int length)
        {
            var bytes = _data.Slice(Position, length);
            Position += length;
            return bytes;
        }

        internal string Text() => Encoding.UTF8.GetString(Bytes((int)Number()));

        internal string? OptionalText() => Number() is > 0 and var length ? Encoding.UTF8.GetString(Bytes((int)length - 1)) : null;
    }
}
