using System.Globalization;
using System.Text;

namespace Polyphony.Benchmarks.Reports;

/// <summary>A report for the terminal: figures with the limit and the old run beside them, then the aims.</summary>
internal static class ReportTable
{
    internal static string Format(Report report, Report? old)
    {
        var text = new StringBuilder();
        text.AppendLine($"{report.Machine}; durability {report.Durability.ToUpperInvariant()}; median of {report.Rounds} round(s){(report.Quick ? ", quick sizes" : "")}; {report.Seconds:0} s");
        text.AppendLine();
        var rows = new List<string[]> { Row("figure", "median", "unit", "spread", "of limit", old is null ? "" : "vs old") };
        rows.AddRange(report.Results.Select(result => Row(result.Name, Number(result.Median), result.Unit, $"±{result.Spread / 2:P0}", OfLimit(report, result), Ratio(result, old))));
        Append(text, rows);
        if (report.Aims.Count > 0)
        {
            text.AppendLine();
            rows = [Row("aim", "measured", "unit", "aim", "met", "because")];
            rows.AddRange(report.Aims.Select(aim => Row(aim.Name, Number(aim.Value), aim.Unit, Number(aim.Aim), aim.Ratio >= 1 ? "yes" : $"no ({aim.Ratio:0.00})", aim.Why)));
            Append(text, rows);
        }

        return text.ToString();
    }

    /// <summary>Compares rates with one-row commits, which is what a step is when nothing shares its commit.</summary>
    private static string OfLimit(Report report, Measurement result) =>
        result is { HigherIsBetter: true, Unit: not "% of limit" } && !result.Name.StartsWith("limit.", StringComparison.Ordinal) && report["limit.append.1"] is { } limit
            ? (result.Median / limit).ToString("P0", CultureInfo.InvariantCulture)
            : "";

    private static string Ratio(Measurement result, Report? old) =>
        old?[result.Name] is { } before and not 0 ? $"{(result.Median / before).ToString("0.00", CultureInfo.InvariantCulture)}x {(result.HigherIsBetter == result.Median >= before ? "better" : "worse")}" : "";

    private static string Number(double value) => value.ToString(Math.Abs(value) >= 100 ? "#,##0" : "0.00", CultureInfo.InvariantCulture);

    private static string[] Row(params string[] cells) => cells;

    private static void Append(StringBuilder text, List<string[]> rows)
    {
        var widths = Enumerable.Range(0, rows[0].Length).Select(column => rows.Max(row => row[column].Length)).ToArray();
        foreach (var row in rows)
        {
            // Numbers stand to the right, texts to the left.
            var cells = row.Select((cell, column) => column is 1 or 3 or 4 ? cell.PadLeft(widths[column]) : cell.PadRight(widths[column]));
            text.AppendLine(string.Join("  ", cells).TrimEnd());
        }
    }
}
