using System.Globalization;
using System.Text.RegularExpressions;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Polyphony.Core.Definitions.Sources;

/// <summary>Decides what a YAML scalar is, by the core schema of YAML 1.2.</summary>
internal static partial class YamlScalars
{
    /// <summary>Reads a scalar.</summary>
    /// <param name="scalar">The event.</param>
    /// <param name="text">The whole file.</param>
    /// <param name="location">Where it begins.</param>
    /// <param name="report">Receives what is wrong: code, place, message, hint.</param>
    /// <returns>The value.</returns>
    public static SourceScalar Read(Scalar scalar, string text, SourceLocation location, Action<string, SourceLocation, string, string> report)
    {
        var start = (int)scalar.Start.Index;
        var end = (int)scalar.End.Index;
        if (scalar.Style == ScalarStyle.Plain)
        {
            var value = Plain(scalar.Value);
            if (value is double number && !double.IsFinite(number))
            {
                report("invalid_value", location, $"{scalar.Value} is no finite number", "JSON has no such number; write a string in quotes if one is meant.");
            }

            return scalar.Start.Line == scalar.End.Line
                ? new SourceScalar(location, value, scalar.Value, location)
                : With(SourceScalarStyle.Plain, value, location);
        }

        var quoted = scalar.Style is ScalarStyle.SingleQuoted or ScalarStyle.DoubleQuoted;
        var inside = location with { Column = location.Column + 1 };
        // What stands on one line as it is needs no search.
        return quoted && end - start - 2 == scalar.Value.Length && scalar.Start.Line == scalar.End.Line
            ? new SourceScalar(location, scalar.Value, scalar.Value, inside)
            : With(scalar.Style switch
            {
                ScalarStyle.SingleQuoted => SourceScalarStyle.SingleQuoted,
                ScalarStyle.DoubleQuoted => SourceScalarStyle.DoubleQuoted,
                _ => SourceScalarStyle.Block,
            },
            scalar.Value,
            quoted ? inside : location);

        SourceScalar With(SourceScalarStyle style, object? value, SourceLocation content) => new(location, value, scalar.Value, content)
        {
            Locator = offset => ScalarLocator.Locate(text, start, end, location, style, scalar.Value, offset),
        };
    }

    private static object? Plain(string text)
    {
        switch (text)
        {
            case "" or "~" or "null" or "Null" or "NULL":
                return null;
            case "true" or "True" or "TRUE":
                return true;
            case "false" or "False" or "FALSE":
                return false;
        }

        if (text[0] is not (>= '0' and <= '9' or '+' or '-' or '.'))
        {
            return text;
        }

        if (Decimal().IsMatch(text) && long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var integer))
        {
            return integer;
        }

        if (Octal().IsMatch(text) || Hexadecimal().IsMatch(text))
        {
            return Based(text);
        }

        return Float().IsMatch(text) ? (object)double.Parse(text, CultureInfo.InvariantCulture)
            : text is ".nan" or ".NaN" or ".NAN" ? double.NaN
            : Infinity().IsMatch(text) ? double.PositiveInfinity
            : text;
    }

    private static object Based(string text)
    {
        var width = text[1] == 'o' ? 8 : 16;
        double value = 0;
        long exact = 0;
        foreach (var digit in text.AsSpan(2))
        {
            var unit = char.IsAsciiDigit(digit) ? digit - '0' : (digit | 0x20) - 'a' + 10;
            value = value * width + unit;
            exact = unchecked(exact * width + unit);
        }

        return value <= long.MaxValue / 2 ? (object)exact : value;
    }

    [GeneratedRegex(@"^[-+]?[0-9]+\z", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Decimal();

    [GeneratedRegex(@"^0o[0-7]+\z", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Octal();

    [GeneratedRegex(@"^0x[0-9a-fA-F]+\z", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Hexadecimal();

    [GeneratedRegex(@"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\z", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Float();

    [GeneratedRegex(@"^[-+]?\.(inf|Inf|INF)\z", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Infinity();
}
