using System.Globalization;

namespace Polyphony.Hosting.DataFolders;

/// <summary>How many files and sockets this process may have open, and who gets which part of them.</summary>
internal static class OpenFiles
{
    private const string LimitsFile = "/proc/self/limits";
    private const string LimitsRow = "Max open files";

    // Where the limit cannot be read: the least that is usual, and on Windows no limit worth the name.
    private const int Assumed = 1024;
    private const int AssumedOnWindows = 100_000;

    /// <summary>Gets the limit.</summary>
    public static int Limit { get; } = OperatingSystem.IsWindows() ? AssumedOnWindows : Read();

    /// <summary>Finds the limit in the text of <c>/proc/self/limits</c>.</summary>
    /// <param name="lines">The lines.</param>
    /// <returns>The soft limit, or <see langword="null"/> if none stands there.</returns>
    public static int? Parse(IEnumerable<string> lines)
    {
        var row = lines.FirstOrDefault(line => line.StartsWith(LimitsRow, StringComparison.Ordinal));
        return row?[LimitsRow.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries) is not [var soft, ..] ? null
            : soft == "unlimited" ? int.MaxValue
            : long.TryParse(soft, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) ? (int)Math.Min(limit, int.MaxValue) : null;
    }

    private static int Read()
    {
        try
        {
            return Parse(File.ReadLines(LimitsFile)) ?? Assumed;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Assumed;
        }
    }
}
