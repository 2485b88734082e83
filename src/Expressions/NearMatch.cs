namespace Polyphony.Expressions;

/// <summary>Finds the name that was meant.</summary>
internal static class NearMatch
{
    private const int LongestName = 64;

    /// <summary>Makes the hint "Did you mean "x"?".</summary>
    /// <param name="name">What was written.</param>
    /// <param name="candidates">What is known.</param>
    /// <returns>The hint, or <see langword="null"/> if nothing is close.</returns>
    public static string? Hint(string name, IEnumerable<string> candidates) => Find(name, candidates) is { } match ? $"Did you mean \"{match}\"?" : null;

    /// <summary>Finds the closest of some names: about a third of the letters may be wrong, and at most three.</summary>
    /// <param name="name">What was written.</param>
    /// <param name="candidates">What is known.</param>
    /// <returns>The closest, or <see langword="null"/> if nothing is close.</returns>
    public static string? Find(string name, IEnumerable<string> candidates)
    {
        if (name.Length > LongestName)
        {
            return null;
        }

        string? best = null;
        var bestDistance = Math.Min(3, name.Length == 2 ? 1 : (name.Length + 1) / 3) + 1;
        foreach (var candidate in candidates)
        {
            if (candidate.Length > LongestName || Math.Abs(candidate.Length - name.Length) >= bestDistance)
            {
                continue;
            }

            var distance = Distance(name, candidate);
            if (distance < bestDistance || (distance == bestDistance && best is not null && string.CompareOrdinal(candidate, best) < 0))
            {
                best = candidate;
                bestDistance = distance;
            }
        }

        return best;
    }

    /// <summary>The optimal string alignment distance (Damerau-Levenshtein, neighbours swapped at most once), case-insensitive.</summary>
    private static int Distance(string a, string b)
    {
        Span<int> beforeLast = stackalloc int[b.Length + 1];
        Span<int> last = stackalloc int[b.Length + 1];
        Span<int> row = stackalloc int[b.Length + 1];
        for (var j = 0; j <= b.Length; j++)
        {
            last[j] = j;
        }

        for (var i = 1; i <= a.Length; i++)
        {
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var cost = Same(a[i - 1], b[j - 1]) ? 0 : 1;
                row[j] = Math.Min(Math.Min(last[j] + 1, row[j - 1] + 1), last[j - 1] + cost);
                if (i > 1 && j > 1 && Same(a[i - 1], b[j - 2]) && Same(a[i - 2], b[j - 1]))
                {
                    row[j] = Math.Min(row[j], beforeLast[j - 2] + 1);
                }
            }

            var spare = beforeLast;
            beforeLast = last;
            last = row;
            row = spare;
        }

        return last[b.Length];
    }

    private static bool Same(char a, char b) => char.ToLowerInvariant(a) == char.ToLowerInvariant(b);
}
