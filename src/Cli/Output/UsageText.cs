using System.Globalization;
using Polyphony.Core.Ledger;
using Polyphony.Http.Ledger;

namespace Polyphony.Cli.Output;

/// <summary>Words and charts for what model calls have used and cost.</summary>
internal static class UsageText
{
    private const int BarWidth = 24;

    /// <summary>Writes reports on the same calls: a sentence with their total, and a table of each.</summary>
    /// <param name="reports">The reports: at least one.</param>
    /// <param name="command">How the tool is called.</param>
    /// <returns>The text.</returns>
    public static string Report(IReadOnlyList<UsageReport> reports, string command)
    {
        var total = reports[0].Total;
        List<string> lines = [Total(reports[0])];
        foreach (var report in reports)
        {
            AddTable(lines, report);
        }

        if (total.UnsettledCalls > 0 || total.UnpricedCalls > 0)
        {
            lines.Add("");
        }

        if (total.UnpricedCalls > 0)
        {
            lines.Add($"{Number(total.UnpricedCalls)} of the calls have no known price: state it in the settings (\"prices\").");
        }

        if (total.UnsettledCalls > 0)
        {
            lines.Add($"{Number(total.UnsettledCalls)} more were begun and never settled: each is under way, or may have been billed without being recorded. List them with: {command} usage --unsettled");
        }

        return string.Join(Environment.NewLine, lines);
    }

    /// <summary>Lists calls.</summary>
    /// <param name="calls">The calls: at least one.</param>
    /// <param name="run">The run that all are of, whose id need not be said again; <see langword="null"/>: they are of several.</param>
    /// <returns>The text.</returns>
    public static string Calls(IReadOnlyList<RecordedCall> calls, string? run) => string.Join(Environment.NewLine, TextTable.Lines(
        ["call", "made by", "model", "tokens", "cost", "begun", "failed", "unsettled", "seconds"],
        calls.Select(call => new[]
        {
            PlainText.Line(run is not null && call.Step.StartsWith($"{run}/", StringComparison.Ordinal) ? call.Step[(run.Length + 1)..] : call.Step), PlainText.Line(call.Tool is { } tool ? $"tool {tool}" : call.Agent!), PlainText.Line(call.ResponseModel ?? call.Model ?? ""),
            call.InputTokens is { } input ? Tokens(input + (call.OutputTokens ?? 0), call.IsEstimated == true) : "",
            call.InputTokens is null ? "" : NodeText.Cost(call.CostUsd ?? 0, call.CostUsd is null ? 1 : 0),
            Number(call.Begun), call.Failed == 0 ? "" : Number(call.Failed), call.Unsettled == 0 ? "" : Number(call.Unsettled),
            call.AnsweredTime is { } answered ? NodeText.Seconds(answered - call.BegunTime) : call.LastError ?? "",
        }),
        names: 3));

    private static string Total(UsageReport report)
    {
        var total = report.Total;
        var days = $"{report.From:yyyy-MM-dd} to {report.To:yyyy-MM-dd} (UTC)";
        return total.Calls == 0
            ? $"{days}: no model call was answered."
            : $"{days}: {Number(total.Calls)} model call{(total.Calls == 1 ? "" : "s")}, {Number(total.InputTokens)} tokens in{(total.CachedInputTokens > 0 ? $" ({Number(total.CachedInputTokens)} of them cached)" : "")}, "
                + $"{Number(total.OutputTokens)} out{(total.ReasoningTokens > 0 ? $" ({Number(total.ReasoningTokens)} of them reasoning)" : "")}, {NodeText.Cost(total.CostUsd, total.UnpricedCalls)}{(total.EstimatedCalls > 0 ? ", partly estimated" : "")}";
    }

    private static void AddTable(List<string> lines, UsageReport report)
    {
        var isChart = report.By is [UsageColumns.Day];
        var hasUnsettled = report.Total.UnsettledCalls > 0;
        string[] heads = [.. report.By, "calls", "tokens", "cost", .. hasUnsettled ? (string[])["unsettled"] : []];
        var table = TextTable.Lines(heads, report.Rows.Select(row => Cells(report.By, row, hasUnsettled)), names: report.By.Count);
        if (table.Count == 0)
        {
            return;
        }

        // By cost where anything has one: a chart of the bill.
        var sizes = report.Rows.Select(row => report.Total.CostUsd > 0 ? row.CostUsd : row.Tokens).ToList();
        var (width, largest) = (table.Max(line => line.Length), sizes.Max());
        lines.Add("");
        lines.AddRange(table.Select((line, index) => isChart && index > 0 ? $"{line.PadRight(width)}  {Bar(sizes[index - 1], largest)}".TrimEnd() : line));
        if (!report.IsComplete)
        {
            lines.Add($"and more: only {Number(report.Rows.Count)} rows are shown; --csv has all");
        }
    }

    private static string[] Cells(IReadOnlyList<string> by, UsageRow row, bool hasUnsettled) =>
    [
        .. by.Select(column => PlainText.Line(column switch
        {
            UsageColumns.Day => row.Day!.Value.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
            UsageColumns.Workflow => row.Workflow!,
            UsageColumns.Agent => row.Agent!,
            UsageColumns.Provider => row.Provider!,
            _ => row.Model!,
        })),
        Number(row.Calls), Tokens(row.Tokens, row.EstimatedCalls > 0), NodeText.Cost(row.CostUsd, row.UnpricedCalls), .. hasUnsettled ? (string[])[Number(row.UnsettledCalls)] : [],
    ];

    private static string Bar(decimal size, decimal largest) => largest == 0 ? "" : new string('#', size == 0 ? 0 : Math.Max(1, (int)Math.Round(size / largest * BarWidth)));

    private static string Tokens(long tokens, bool isEstimated) => $"{(isEstimated ? "~" : "")}{Number(tokens)}";

    private static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
