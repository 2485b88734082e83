using System.Globalization;
using Polyphony.Core.Ledger;
using Polyphony.Engine.Storage;

namespace Polyphony.Engine.Stores;

/// <summary>The sums of what model calls have used, one row for each day, workflow, agent and deployment. They are written in the transactions that settle the calls, so they agree with the ledger after any crash.</summary>
internal static class UsageTable
{
    private const string Key = "day = ?1 AND workflow = ?2 AND agent = ?3 AND provider = ?4 AND model = ?5";
    private const string Columns = "day, workflow, agent, provider, model, calls, input, cached, output, reasoning, cost, unpriced, estimated, unsettled";

    /// <summary>Adds to a row inside the open transaction.</summary>
    /// <param name="writer">The transaction.</param>
    /// <param name="added">What is added.</param>
    public static void Add(StoreWriter writer, UsageRow added)
    {
        var row = Find(writer, added) is { } found ? found.Add(added) : added;
        var statement = Bind(writer.Statement($"INSERT OR REPLACE INTO usage({Columns}) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"), row);

        // SQLite has no decimal numbers.
        statement.Bind(6, row.Calls).Bind(7, row.InputTokens).Bind(8, row.CachedInputTokens).Bind(9, row.OutputTokens).Bind(10, row.ReasoningTokens)
            .Bind(11, row.CostUsd.ToString(CultureInfo.InvariantCulture)).Bind(12, row.UnpricedCalls).Bind(13, row.EstimatedCalls).Bind(14, row.UnsettledCalls).Step();
    }

    /// <summary>Reads the rows of some days.</summary>
    /// <param name="reader">The file.</param>
    /// <param name="from">The first day.</param>
    /// <param name="to">The last day.</param>
    public static IReadOnlyList<UsageRow> Read(StoreReader reader, DateOnly from, DateOnly to)
    {
        using var query = reader.Database.Prepare($"SELECT {Columns} FROM usage WHERE day >= ?1 AND day <= ?2");
        query.Bind(1, from.DayNumber).Bind(2, to.DayNumber);
        var rows = new List<UsageRow>();
        while (query.Step())
        {
            rows.Add(Read(query));
        }

        return rows;
    }

    private static UsageRow? Find(StoreWriter writer, UsageRow row)
    {
        var query = Bind(writer.Statement($"SELECT {Columns} FROM usage WHERE {Key}"), row);
        try
        {
            return query.Step() ? Read(query) : null;
        }
        finally
        {
            query.Reset();
        }
    }

    private static Statement Bind(Statement statement, UsageRow row) =>
        statement.Bind(1, row.Day!.Value.DayNumber).Bind(2, row.Workflow!).Bind(3, row.Agent!).Bind(4, row.Provider!).Bind(5, row.Model!);

    private static UsageRow Read(Statement row) => new()
    {
        Day = DateOnly.FromDayNumber((int)row.Int64(0)),
        Workflow = row.Text(1),
        Agent = row.Text(2),
        Provider = row.Text(3),
        Model = row.Text(4),
        Calls = row.Int64(5),
        InputTokens = row.Int64(6),
        CachedInputTokens = row.Int64(7),
        OutputTokens = row.Int64(8),
        ReasoningTokens = row.Int64(9),
        CostUsd = decimal.Parse(row.Text(10)!, CultureInfo.InvariantCulture),
        UnpricedCalls = row.Int64(11),
        EstimatedCalls = row.Int64(12),
        UnsettledCalls = row.Int64(13),
    };
}
