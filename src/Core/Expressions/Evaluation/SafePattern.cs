using System.Text;
using System.Text.RegularExpressions;

namespace Polyphony.Core.Expressions.Evaluation;

/// <summary>
/// Regular expressions that take time linear in the text, as RE2 does: no backtracking, so no lookaround and no back references.
/// What .NET would see differently than RE2 and ECMA-262 is translated: <c>$</c> is the very end, <c>\d</c>, <c>\w</c> and <c>\s</c> know ASCII alone.
/// </summary>
internal static class SafePattern
{
    /// <summary>The longest pattern, in characters.</summary>
    public const int Longest = 1000;

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

        try
        {
            return new Regex(Translate(pattern), RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (NotSupportedException)
        {
            problem = $"The pattern \"{pattern}\" looks ahead, looks behind or refers back, which is not supported.";
        }
        catch (ArgumentException exception)
        {
            problem = $"The pattern \"{pattern}\" is no regular expression: {Reason(exception.Message)}";
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
                        return total;
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
            return false;
        foreach (var bound in pattern[(open + 1)..end].Split(','))
        {
            if (bound.Length > 0 && !bound.All(char.IsAsciiDigit))
                return false;
            count = Math.Max(count, bound.Length == 0 ? 1 : bound.Length > 9 ? int.MaxValue : long.Parse(bound));
        }

        count = Math.Max(count, 1);
        return true;
    }

    private static int EndOfClass(string pattern, int open)
    {
        var i = open + 1;
        if (i < pattern.Length && pattern[i] == '^')
            i++;
        if (i < pattern.Length && pattern[i] == ']')
            i++;
        while (i < pattern.Length && pattern[i] != ']')
            i += pattern[i] == '\\' ? 2 : 1;
        return i;
    }

    private static string Translate(string pattern)
    {
        var builder = new StringBuilder(pattern.Length + 16);
        for (var i = 0; i < pattern.Length; i++)
        {
            var c = pattern[i];
            if (c == '[')
            {
                var end = Math.Min(EndOfClass(pattern, i), pattern.Length - 1);
                for (; i <= end; i++)
                {
                    if (pattern[i] == '\\' && i < end)
                        builder.Append(Escape(pattern[++i], inClass: true));
                    else
                        builder.Append(pattern[i]);
                }

                i = end;
            }
            else if (c == '\\' && i + 1 < pattern.Length)
            {
                builder.Append(Escape(pattern[++i], inClass: false));
            }
            else
            {
                builder.Append(c == '$' ? @"\z" : c.ToString());
            }
        }

        return builder.ToString();
    }

    private static string Escape(char c, bool inClass) => (c, inClass) switch
    {
        ('d', true) => "0-9",
        ('d', false) => "[0-9]",
        ('D', false) => "[^0-9]",
        ('w', true) => "0-9A-Za-z_",
        ('w', false) => "[0-9A-Za-z_]",
        ('W', false) => "[^0-9A-Za-z_]",
        ('s', true) => @"\t\n\v\f\r ",
        ('s', false) => @"[\t\n\v\f\r ]",
        ('S', false) => @"[^\t\n\v\f\r ]",
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
