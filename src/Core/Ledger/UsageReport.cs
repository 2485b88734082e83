namespace Polyphony.Core.Ledger;

/// <summary>What is asked of a usage report.</summary>
/// <param name="From">The first day, by UTC.</param>
/// <param name="To">The last day.</param>
internal sealed record UsageQuery(DateOnly From, DateOnly To)
{
    /// <summary>The longest period in days.</summary>
    public const int MaxDays = 400;

    /// <summary>The maximum of <see cref="Top"/>.</summary>
    public const int MaxTop = 10_000;

    /// <summary>Gets what rows are made of, from <see cref="UsageColumns"/>; none: only the total is of interest.</summary>
    public IReadOnlyList<string> By { get; init; } = [];

    /// <summary>Gets the workflow whose calls are counted; <see langword="null"/>: all.</summary>
    public string? Workflow { get; init; }

    /// <summary>Gets the agent whose calls are counted; <see langword="null"/>: all.</summary>
    public string? Agent { get; init; }

    /// <summary>Gets the provider's model whose calls are counted; <see langword="null"/>: all.</summary>
    public string? Model { get; init; }

    /// <summary>Gets the maximum number of rows: 1 to <see cref="MaxTop"/>.</summary>
    public int Top { get; init; } = 1_000;
}

/// <summary>What usage can be told apart by.</summary>
internal static class UsageColumns
{
    /// <summary>By day.</summary>
    public const string Day = "day";

    /// <summary>By the workflow that was started.</summary>
    public const string Workflow = "workflow";

    /// <summary>By agent.</summary>
    public const string Agent = "agent";

    /// <summary>By provider.</summary>
    public const string Provider = "provider";

    /// <summary>By the provider's model.</summary>
    public const string Model = "model";

    /// <summary>Gets all of them.</summary>
    public static IReadOnlyList<string> All { get; } = [Day, Workflow, Agent, Provider, Model];
}

/// <summary>What model calls have used in a period.</summary>
/// <param name="From">The first day, by UTC.</param>
/// <param name="To">The last day.</param>
/// <param name="By">What the rows are of.</param>
/// <param name="Rows">The rows: by day if that is asked, and within a day, or else, the dearest first, then those with the most tokens.</param>
/// <param name="Total">The sum over all calls, those of rows that were left out as well.</param>
/// <param name="IsComplete">Whether no row was left out.</param>
internal sealed record UsageReport(DateOnly From, DateOnly To, IReadOnlyList<string> By, IReadOnlyList<UsageRow> Rows, UsageRow Total, bool IsComplete)
{
    /// <summary>Makes the report.</summary>
    /// <param name="query">What is asked.</param>
    /// <param name="rows">What <see cref="ILedger.ReadUsageAsync"/> has for the period.</param>
    /// <returns>The report.</returns>
    public static UsageReport Of(UsageQuery query, IEnumerable<UsageRow> rows)
    {
        var groups = new Dictionary<UsageRow, UsageRow>();
        var total = new UsageRow();
        foreach (var row in rows)
        {
            if (Fits(query.Workflow, row.Workflow) && Fits(query.Agent, row.Agent) && Fits(query.Model, row.Model))
            {
                var key = KeyOf(query, row);
                groups[key] = groups.GetValueOrDefault(key, key).Add(row);
                total = total.Add(row);
            }
        }

        List<UsageRow> ordered = query.By.Count == 0
            ? []
            : [
                .. groups.Values.OrderBy(row => row.Day).ThenByDescending(row => row.CostUsd).ThenByDescending(row => row.Tokens).ThenByDescending(row => row.UnsettledCalls)
                    .ThenBy(row => row.Workflow, StringComparer.Ordinal).ThenBy(row => row.Agent, StringComparer.Ordinal)
                    .ThenBy(row => row.Provider, StringComparer.Ordinal).ThenBy(row => row.Model, StringComparer.Ordinal),
            ];
        return new UsageReport(query.From, query.To, query.By, [.. ordered.Take(query.Top)], total, ordered.Count <= query.Top);
    }

    private static bool Fits(string? asked, string? found) => asked is null || asked == found;

    private static UsageRow KeyOf(UsageQuery query, UsageRow row) => new()
    {
        Day = query.By.Contains(UsageColumns.Day) ? row.Day : null,
        Workflow = query.By.Contains(UsageColumns.Workflow) ? row.Workflow : null,
        Agent = query.By.Contains(UsageColumns.Agent) ? row.Agent : null,
        Provider = query.By.Contains(UsageColumns.Provider) ? row.Provider : null,
        Model = query.By.Contains(UsageColumns.Model) ? row.Model : null,
    };
}
