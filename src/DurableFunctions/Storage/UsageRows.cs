using System.Globalization;
using System.Text.Json;
using Azure.Data.Tables;
using Polyphony.Core.Ledger;
using Polyphony.DurableFunctions.Durable;

namespace Polyphony.DurableFunctions.Storage;

/// <summary>
/// What answered calls have used, in the table of the ledger: a row for each call, in the partition <c>!usage-DAY</c>, so that a period is read without the rest, and purged instances stay counted. No id of an instance
/// begins like such a partition.
/// </summary>
/// <remarks>
/// A row is added after the answer is in the ledger, under a key that follows from the call and the time of its answer. If the process ends in between, the activity is delivered again, finds the answer, and adds the row:
/// each call is counted once.
/// </remarks>
internal static class UsageRows
{
    private const string Prefix = "!usage-";
    private const string Column = "Usage";

    /// <summary>Gets the columns that <see cref="Read"/> reads.</summary>
    public static string[] Columns { get; } = [Column];

    /// <summary>The beginning of a day.</summary>
    /// <param name="day">The day.</param>
    public static DateTimeOffset Begin(DateOnly day) => new(day.ToDateTime(default), TimeSpan.Zero);

    /// <summary>Finds the rows of some days.</summary>
    /// <param name="from">The first day.</param>
    /// <param name="to">The last day.</param>
    /// <returns>The filter.</returns>
    public static string Filter(DateOnly from, DateOnly to) => TableClient.CreateQueryFilter($"PartitionKey ge {PartitionOf(from)} and PartitionKey le {PartitionOf(to)}");

    /// <summary>Makes the row of an answered call.</summary>
    /// <param name="key">Where the call lies in the ledger.</param>
    /// <param name="entry">The call, with its answer.</param>
    public static TableTransactionAction Add(LedgerKey key, LedgerEntry entry)
    {
        var answered = entry.AnsweredTime!.Value;
        return Add($"{key.Row}-{Ticks(answered)}", UsageRow.Of(entry.Request, entry.Answer!, answered));
    }

    /// <summary>Makes the row of calls that were never settled, before their entry goes.</summary>
    /// <param name="key">Where the calls lie in the ledger.</param>
    /// <param name="entry">The calls.</param>
    public static TableTransactionAction AddUnsettled(LedgerKey key, LedgerEntry entry) => Add($"{key.Row}-{Ticks(entry.BegunTime)}-unsettled", UsageRow.OfUnsettled(entry));

    /// <summary>Reads a row.</summary>
    /// <param name="entity">The row; <see cref="Columns"/> are enough.</param>
    public static UsageRow Read(TableEntity entity) => JsonSerializer.Deserialize(entity.GetString(Column), FunctionsJsonContext.Default.UsageRow)!;

    private static TableTransactionAction Add(string row, UsageRow usage) => new(
        TableTransactionActionType.Add, new TableEntity(PartitionOf(usage.Day!.Value), row) { [Column] = JsonSerializer.Serialize(usage, FunctionsJsonContext.Default.UsageRow) });

    private static string PartitionOf(DateOnly day) => Prefix + day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static string Ticks(DateTimeOffset time) => time.UtcTicks.ToString("x16", CultureInfo.InvariantCulture);
}
