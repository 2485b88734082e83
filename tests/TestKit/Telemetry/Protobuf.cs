using System.Text;

namespace Polyphony.TestKit.Telemetry;

/// <summary>A message in protobuf's encoding, read without its description: enough to look into what an exporter sends.</summary>
/// <param name="bytes">The message.</param>
public sealed class Protobuf(ReadOnlyMemory<byte> bytes)
{
    private readonly ILookup<int, object> _fields = Read(bytes).ToLookup(field => field.Number, field => field.Value);

    /// <summary>Gets the messages of a field.</summary>
    public IEnumerable<Protobuf> Messages(int field) => _fields[field].Select(value => new Protobuf((ReadOnlyMemory<byte>)value));

    /// <summary>Gets a field's text; empty if it is not there.</summary>
    public string Text(int field) => _fields[field].LastOrDefault() is ReadOnlyMemory<byte> text ? Encoding.UTF8.GetString(text.Span) : "";

    /// <summary>Gets a field's bytes in hexadecimal.</summary>
    public string Hex(int field) => _fields[field].LastOrDefault() is ReadOnlyMemory<byte> value ? Convert.ToHexStringLower(value.Span) : "";

    /// <summary>Gets a field's number; 0 if it is not there.</summary>
    public ulong Number(int field) => _fields[field].LastOrDefault() is ulong value ? value : 0;

    private static IEnumerable<(int Number, object Value)> Read(ReadOnlyMemory<byte> bytes)
    {
        var position = 0;
        while (position < bytes.Length)
        {
            var key = Varint(bytes.Span, ref position);
            object value;
            switch (key & 7)
            {
                case 0:
                    value = Varint(bytes.Span, ref position);
                    break;
                case 1:
                    value = BitConverter.ToUInt64(bytes.Span[position..]);
                    position += 8;
                    break;
                case 2:
                    var length = (int)Varint(bytes.Span, ref position);
                    value = bytes.Slice(position, length);
                    position += length;
                    break;
                case 5:
                    value = (ulong)BitConverter.ToUInt32(bytes.Span[position..]);
                    position += 4;
                    break;
                default:
                    throw new FormatException($"Wire type {key & 7} at byte {position}.");
            }

            yield return ((int)(key >> 3), value);
        }
    }

    private static ulong Varint(ReadOnlySpan<byte> bytes, ref int position)
    {
        var value = 0UL;
        for (var shift = 0; ; shift += 7)
        {
            var next = bytes[position++];
            value |= (ulong)(next & 127) << shift;
            if (next < 128)
            {
                return value;
            }
        }
    }
}
