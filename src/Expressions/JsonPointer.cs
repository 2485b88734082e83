using System.Globalization;
using System.Text.Json;

namespace Polyphony.Expressions;

/// <summary>JSON pointers (RFC 6901).</summary>
internal static class JsonPointer
{
    /// <summary>Escapes a name for use in a pointer.</summary>
    public static string Escape(string name) => name.AsSpan().ContainsAny('~', '/')
        ? name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal)
        : name;

    /// <summary>Gets the names and indexes that a pointer is made of.</summary>
    /// <param name="pointer">The pointer; <see langword="null"/> or empty names the whole value.</param>
    public static IEnumerable<string> Parts(string? pointer) => string.IsNullOrEmpty(pointer) ? [] : pointer.Split('/').Skip(1).Select(Unescape);

    /// <summary>Reads a part as a place in a list: digits without leading zeros.</summary>
    public static bool TryIndex(string part, int count, out int index) =>
        int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out index) && index < count && (part.Length == 1 || part[0] != '0');

    /// <summary>Finds the part of a value that a pointer names.</summary>
    /// <param name="value">The value.</param>
    /// <param name="pointer">The pointer; <see langword="null"/> or empty for all of it.</param>
    /// <returns>The part; <see langword="null"/> if there is none.</returns>
    public static JsonElement? Find(JsonElement value, string? pointer)
    {
        foreach (var part in Parts(pointer))
        {
            if (value.ValueKind == JsonValueKind.Object && value.TryGetProperty(part, out var member))
            {
                value = member;
            }
            else if (value.ValueKind == JsonValueKind.Array && TryIndex(part, value.GetArrayLength(), out var index))
            {
                value = value[index];
            }
            else
            {
                return null;
            }
        }

        return value;
    }

    private static string Unescape(string part) => part.Contains('~', StringComparison.Ordinal)
        ? part.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal)
        : part;
}
