using System.Globalization;
using System.Text;
using Polyphony.Core.Ledger;

namespace Polyphony.Http.Ledger;

/// <summary>A usage report as comma-separated values (RFC 4180), with the names of the columns in the first line.</summary>
internal static class UsageCsv
{
    private static readonly (string Name, Func<UsageRow, string?> Value)[] Keys =
    [
        (UsageColumns.Day, row => row.Day?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)),
        (UsageColumns.Workflow, row => row.Workflow), (UsageColumns.Agent, row => row.Agent), (UsageColumns.Provider, row => row.Provider), (UsageColumns.Model, row => row.Model),
    ];

    private static readonly (string Name, Func<UsageRow, IFormattable> Value)[] Figures =
    [
        ("calls", row => row.Calls), ("inputTokens", row => row.InputTokens), ("cachedInputTokens", row => row.CachedInputTokens), ("outputTokens", row => row.OutputTokens),
        ("reasoningTokens", row => row.ReasoningTokens), ("costUsd", row => row.CostUsd), ("unpricedCalls", row => row.UnpricedCalls), ("estimatedCalls", row => row.EstimatedCalls),
        ("unsettledCalls", row => row.UnsettledCalls),
    ];

    /// <summary>Writes a report: its rows, or the total if it has no columns to tell rows apart.</summary>
    /// <param name="report">The report.</param>
    /// <returns>The lines.</returns>
    public static string Write(UsageReport report)
    {
        var keys = Keys.Where(key => report.By.Contains(key.Name)).ToList();
        var text = new StringBuilder();
        Append(text, [.. keys.Select(key => key.Name), .. Figures.Select(figure => figure.Name)]);
        foreach (var row in report.By.Count == 0 ? [report.Total] : report.Rows)
        {
            Append(text, [.. keys.Select(key => Cell(key.Value(row) ?? "")), .. Figures.Select(figure => figure.Value(row).ToString(null, CultureInfo.InvariantCulture))]);
        }

        return text.ToString();
    }

    private static void Append(StringBuilder text, IEnumerable<string> cells) => text.AppendJoin(',', cells).Append("\r\n");

    // A spreadsheet would take what begins like a formula for one, and names of models come from workflow files.
    private static string Cell(string value)
    {
        var safe = value is ['=' or '+' or '-' or '@' or '\t' or '\r', ..] ? $"'{value}" : value;
        return safe.AsSpan().ContainsAny("\",\r\n") ? $"\"{safe.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : safe;
    }
}
