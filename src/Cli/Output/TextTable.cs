namespace Polyphony.Cli.Output;

/// <summary>Columns side by side.</summary>
internal static class TextTable
{
    /// <summary>Lays out a table.</summary>
    /// <param name="heads">The names of the columns.</param>
    /// <param name="rows">The rows, with a cell for each column.</param>
    /// <param name="names">How many columns at the left are names; the others are numbers.</param>
    /// <returns>The lines; none if there is no row.</returns>
    public static IReadOnlyList<string> Lines(string[] heads, IEnumerable<string[]> rows, int names = 1)
    {
        List<string[]> all = [heads, .. rows];
        if (all.Count == 1)
        {
            return [];
        }

        var widths = heads.Select((_, column) => all.Max(row => row[column].Length)).ToArray();
        return [.. all.Select(row => string.Join("  ", row.Select((cell, column) => column < names ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column]))).TrimEnd())];
    }
}
