using System.Globalization;
using System.Numerics;
using System.Text.Json;

namespace Polyphony.Expressions.Schemas;

/// <summary>
/// A JSON number exactly as written: a sign and <c>0.DIGITS * 10^Exponent</c>, without zeros at either end. A double would take 0.1 for
/// something else, and a hostile exponent would fill the memory of anything that writes the number out.
/// </summary>
internal readonly struct JsonNumber : IComparable<JsonNumber>
{
    private const long LargestExponent = 1_000_000_000_000_000;

    private JsonNumber(bool isNegative, string digits, long exponent, string text)
    {
        IsNegative = isNegative;
        Digits = digits;
        Exponent = exponent;
        Text = text;
    }

    /// <summary>Gets a value indicating whether it is below zero.</summary>
    public bool IsNegative { get; }

    /// <summary>Gets the digits; empty for zero.</summary>
    public string Digits { get; }

    /// <summary>Gets the power of ten; exponents beyond 10^15 are taken for 10^15.</summary>
    public long Exponent { get; }

    /// <summary>Gets the number as written.</summary>
    public string Text { get; }

    /// <summary>Gets a value indicating whether it is whole: 1.0 is.</summary>
    public bool IsInteger => Digits.Length == 0 || Digits.Length <= Exponent;

    /// <summary>Gets a value indicating whether it is above zero.</summary>
    public bool IsPositive => Digits.Length > 0 && !IsNegative;

    /// <summary>Reads a number.</summary>
    public static JsonNumber From(JsonElement json)
    {
        var text = json.GetRawText();
        var mantissa = text.AsSpan(text[0] == '-' ? 1 : 0);
        var exponent = 0L;
        var e = mantissa.IndexOfAny('e', 'E');
        if (e >= 0)
        {
            var written = mantissa[(e + 1)..];
            if (!long.TryParse(written, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out exponent))
            {
                exponent = written[0] == '-' ? -LargestExponent : LargestExponent;
            }

            exponent = Math.Clamp(exponent, -LargestExponent, LargestExponent);
            mantissa = mantissa[..e];
        }

        var point = mantissa.IndexOf('.');
        var whole = point < 0 ? mantissa : mantissa[..point];
        var all = string.Concat(whole, point < 0 ? [] : mantissa[(point + 1)..]);
        var digits = all.TrimStart('0');
        exponent += whole.Length - (all.Length - digits.Length);
        digits = digits.TrimEnd('0');
        return digits.Length == 0 ? new JsonNumber(false, "", 0, text) : new JsonNumber(text[0] == '-', digits, exponent, text);
    }

    /// <inheritdoc/>
    public int CompareTo(JsonNumber other)
    {
        if (Sign != other.Sign)
        {
            return Sign.CompareTo(other.Sign);
        }

        var order = Exponent != other.Exponent ? Exponent.CompareTo(other.Exponent) : string.CompareOrdinal(Digits, other.Digits);
        return IsNegative ? -order : order;
    }

    /// <summary>Gets whether it is a whole multiple of another, or nothing if one has more than <see cref="SchemaLimits.Digits"/> digits.</summary>
    public bool? IsMultipleOf(JsonNumber other)
    {
        if (Digits.Length == 0)
        {
            return true;
        }

        if (Digits.Length > SchemaLimits.Digits || other.Digits.Length > SchemaLimits.Digits)
        {
            return null;
        }

        // Both as whole numbers times a power of ten, of which only the difference counts. The digits don't end in 0, so a factor of ten too many never divides.
        var scale = Exponent - Digits.Length - (other.Exponent - other.Digits.Length);
        var factor = other.Whole();
        return scale >= 0 && (Whole() * BigInteger.ModPow(10, scale, factor) % factor).IsZero;
    }

    /// <summary>Writes the value in the one form that equal numbers share.</summary>
    public string ToCanonicalText() => Digits.Length == 0 ? "0" : $"{(IsNegative ? "-" : "")}{Digits}e{Exponent}";

    private int Sign => Digits.Length == 0 ? 0 : IsNegative ? -1 : 1;

    private BigInteger Whole() => BigInteger.Parse(Digits, NumberStyles.None, CultureInfo.InvariantCulture);
}
