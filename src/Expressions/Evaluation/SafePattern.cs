using System.Text;
using System.Text.RegularExpressions;

namespace Polyphony.Expressions.Evaluation;

/// <summary>
/// Regular expressions that take time linear in the text, as RE2 does: no backtracking, so no lookaround and no back references.
/// What .NET would see differently than RE2 and ECMA-262 is translated: <c>$</c> is the very end, <c>\d</c>, <c>\w</c> and <c>\s</c> know ASCII alone, and a
/// character beyond U+FFFF is one, not the two halves that .NET makes of it.
/// </summary>
internal static class SafePattern
{
    /// <summary>The longest pattern, in characters.</summary>
    public const int Longest = 1000;

    // A character beyond U+FFFF.
    private const string Pair = @"[\uD800-\uDBFF][\uDC00-\uDFFF]";
    private const string Halves = @"\uD800-\uDFFF";

    // A counted repetition stands for as many copies; RE2 has the same limit per repetition.
    private const int MostCopies = 2000;

    /// <summary>Compiles a pattern.</summary>
    /// <param name="pattern">The pattern.</param>
    /// <param name="problem">What is wrong with it.</param>
    /// <returns>The regular expression, or <see langword="null"/>.</returns>
    public static Regex? TryCompile(string pattern, out string? problem)
    {
        problem = null;
        if (pattern.Length > Longest)
        {
            problem = $"The pattern is longer than {Longest} characters.";
            return null;
        }

        if (Size(pattern) > MostCopies)
        {
            problem = $"The pattern repeats too much: written out it is longer than {MostCopies} characters.";
            return null;
        }

        if (HasPairInClass(pattern))
        {
            problem = $"The pattern \"{pattern}\" has a character beyond U+FFFF in brackets, which is not supported. Write (?:a|b) in place of [ab].";
            return null;
        }

        try
        {
            return new Regex(Translate(pattern), RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (NotSupportedException exception) when (exception.Message.Contains("automata", StringComparison.Ordinal))
        {
            problem = $"The pattern \"{pattern}\" is too large.";
        }
        catch (NotSupportedException)
        {
            problem = $"The pattern \"{pattern}\" looks ahead, looks behind or refers back, which is not supported.";
        }
        catch (ArgumentException exception)
        {
            problem = $"The pattern \"{pattern}\" is not a regular expression: {Reason(exception.Message)}";
        }

        return null;
    }

    /// <summary>Finds how long the pattern is with its repetitions written out.</summary>
    private static long Size(string pattern)
    {
        var groups = new Stack<long>();
        long total = 0;
        long last = 0;
        for (var i = 0; i < pattern.Length; i++)
        {
            switch (pattern[i])
            {
                case '(':
                    groups.Push(total);
                    total = last = 0;
                    continue;
                case ')' when groups.TryPop(out var before):
                    last = total;
                    total += before;
                    continue;
                case '{' when TryReadCount(pattern, i, out var count, out var end):
                    total += last * (count - 1);
                    last *= count;
                    i = end;
                    if (total > MostCopies)
                    {
                        return total;
                    }

                    continue;
                case '[':
                    i = EndOfClass(pattern, i);
                    break;
                case '\\':
                    i++;
                    break;
            }

            total++;
            last = 1;
        }

        return total;
    }

    private static bool TryReadCount(string pattern, int open, out long count, out int end)
    {
        count = 0;
        end = pattern.IndexOf('}', open);
        if (end < 0)
        {
            return false;
        }

        foreach (var bound in pattern[(open + 1)..end].Split(','))
        {
            if (bound.Length > 0 && !bound.All(char.IsAsciiDigit))
            {
                return false;
            }

            count = Math.Max(count, bound.Length == 0 ? 1 : bound.Length > 9 ? int.MaxValue : long.Parse(bound));
        }

        count = Math.Max(count, 1);
        return true;
    }

    private static int EndOfClass(string pattern, int open)
    {
        var i = open + 1;
        if (i < pattern.Length && pattern[i] == '^')
        {
            i++;
        }

        if (i < pattern.Length && pattern[i] == ']')
        {
            i++;
        }

        while (i < pattern.Length && pattern[i] != ']')
        {
            i += pattern[i] == '\\' ? 2 : 1;
        }

        return i;
    }

    private static bool HasPairInClass(string pattern)
    {
        for (var i = 0; i < pattern.Length; i++)
        {
            if (pattern[i] == '\\')
            {
                i++;
            }
            else if (pattern[i] == '[')
            {
                var end = Math.Min(EndOfClass(pattern, i), pattern.Length);
                if (pattern.AsSpan(i, end - i).ContainsAnyInRange('\uD800', '\uDFFF'))
                {
                    return true;
                }

                i = end;
            }
        }

        return false;
    }

    private static string Translate(string pattern)
    {
        var builder = new StringBuilder(pattern.Length + 16);
        var any = HasDotForAll(pattern) ? "." : AnyBut(@"\n");
        for (var i = 0; i < pattern.Length; i++)
        {
            var c = pattern[i];
            if (c == '[')
            {
                var end = Math.Min(EndOfClass(pattern, i), pattern.Length - 1);
                builder.Append(TranslateClass(pattern.AsSpan(i, end - i + 1)));
                i = end;
            }
            else if (c == '\\' && i + 1 < pattern.Length)
            {
                builder.Append(Escape(pattern[++i]));
            }
            else if (char.IsHighSurrogate(c) && i + 1 < pattern.Length && char.IsLowSurrogate(pattern[i + 1]))
            {
                builder.Append("(?:").Append(c).Append(pattern[++i]).Append(')');
            }
            else
            {
                builder.Append(c switch { '$' => @"\z", '.' => any, _ => c.ToString() });
            }
        }

        return builder.ToString();
    }

    /// <summary>Gets whether a flag lets "." stand for line breaks as well.</summary>
    private static bool HasDotForAll(string pattern)
    {
        for (var at = pattern.IndexOf("(?", StringComparison.Ordinal); at >= 0; at = pattern.IndexOf("(?", at + 2, StringComparison.Ordinal))
        {
            for (var i = at + 2; i < pattern.Length && char.IsAsciiLetter(pattern[i]); i++)
            {
                if (pattern[i] == 's')
                {
                    return true;
                }
            }
        }

        return false;
    }

    private static string TranslateClass(ReadOnlySpan<char> text)
    {
        var isNegated = text.Length > 1 && text[1] == '^';
        var builder = new StringBuilder();
        var (hasPairs, isClosed) = (false, false);
        for (var i = isNegated ? 2 : 1; i < text.Length; i++)
        {
            if (text[i] != '\\' || i == text.Length - 1)
            {
                // In .NET, a bracket here would begin what is taken away.
                isClosed = text[i] == ']' && i == text.Length - 1;
                builder.Append(text[i] == '[' ? @"\[" : text[i].ToString());
                continue;
            }

            var c = text[++i];
            hasPairs |= c is 'D' or 'W' or 'S';
            builder.Append(EscapeInClass(c));
        }

        // An unclosed class stays one, so that it is reported.
        if (!isClosed)
        {
            return text.ToString();
        }

        builder.Length--;
        if (isNegated)
        {
            return hasPairs ? $"[^{builder}{Halves}]" : AnyBut(builder.ToString());
        }

        return hasPairs ? $"(?:[{builder}]|{Pair})" : $"[{builder}]";
    }

    private static string AnyBut(string characters) => $"(?:[^{characters}{Halves}]|{Pair})";

    private static string Escape(char c) => c switch
    {
        'd' => "[0-9]",
        'D' => AnyBut("0-9"),
        'w' => "[0-9A-Za-z_]",
        'W' => AnyBut("0-9A-Za-z_"),
        's' => @"[\t\n\v\f\r ]",
        'S' => AnyBut(@"\t\n\v\f\r "),
        _ => "\\" + c,
    };

    /// <summary>What is not a digit, a letter or a space is written out: in .NET, these are sets of all Unicode.</summary>
    private static string EscapeInClass(char c) => c switch
    {
        'd' => "0-9",
        'D' => @"\0-/:-\uD7FF\uE000-\uFFFF",
        'w' => "0-9A-Za-z_",
        'W' => @"\0-/:-@\[-\^`{-\uD7FF\uE000-\uFFFF",
        's' => @"\t\n\v\f\r ",
        'S' => @"\0-\b\x0E-\x1F!-\uD7FF\uE000-\uFFFF",
        _ => "\\" + c,
    };

    /// <summary>The runtime's message repeats the translated pattern, which is not the one that was written.</summary>
    private static string Reason(string message)
    {
        var at = message.LastIndexOf("' at offset ", StringComparison.Ordinal);
        var reason = at >= 0 ? message[(message.IndexOf(". ", at, StringComparison.Ordinal) + 2)..] : message;
        return reason.Length == 0 ? "it can't be read." : reason;
    }
}
