using Azure;
using Azure.Data.Tables;
using Azure.Data.Tables.Models;

namespace Polyphony.DurableFunctions.Storage;

/// <summary>The table of the ledger. Made when it is first written to. Thread-safe.</summary>
/// <param name="table">The table.</param>
internal sealed class TableStorage(TableClient table)
{
    /// <summary>Writes rows of one partition with one request: all of them or none.</summary>
    /// <param name="writes">The writes: 1 to 100, of different rows.</param>
    /// <returns>The rows' new ETags, in the order of the writes; of no meaning for a removal.</returns>
    /// <exception cref="RequestFailedException">Nothing was written, or, by status 500 and above, nobody knows.</exception>
    internal async Task<IReadOnlyList<ETag>> WriteAsync(IReadOnlyList<TableTransactionAction> writes)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return writes.Count == 1
                    ? [(await WriteAsync(writes[0])).Headers.ETag ?? default]
                    : [.. (await table.SubmitTransactionAsync(writes)).Value.Select(response => response.Headers.ETag ?? default)];
            }
            catch (RequestFailedException e) when (e.ErrorCode == TableErrorCode.TableNotFound && attempt == 1)
            {
                await table.CreateIfNotExistsAsync();
            }
        }
    }

    /// <summary>Reads a row.</summary>
    /// <returns>The row, or <see langword="null"/> if there is none.</returns>
    internal async Task<TableEntity?> TryReadAsync(string partition, string row, CancellationToken cancellationToken) =>
        await table.GetEntityIfExistsAsync<TableEntity>(partition, row, cancellationToken: cancellationToken) is { HasValue: true } found ? found.Value : null;

    /// <summary>Makes the filter that finds the rows of a partition.</summary>
    /// <param name="partition">The partition.</param>
    internal static string FilterOf(string partition) => TableClient.CreateQueryFilter($"PartitionKey eq {partition}");

    /// <summary>Reads rows, 1,000 with a request.</summary>
    /// <param name="filter">Which rows, or <see langword="null"/> for all.</param>
    /// <param name="columns">The columns to be read, or <see langword="null"/> for all.</param>
    /// <param name="each">Called with each row.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    internal async Task ReadAsync(string? filter, string[]? columns, Action<TableEntity> each, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var row in table.QueryAsync<TableEntity>(filter, select: columns, cancellationToken: cancellationToken))
            {
                each(row);
            }
        }
        catch (RequestFailedException e) when (e.ErrorCode == TableErrorCode.TableNotFound)
        {
            // Nothing was ever written.
        }
    }

    private Task<Response> WriteAsync(TableTransactionAction write) => write.ActionType switch
    {
        TableTransactionActionType.Add => table.AddEntityAsync(write.Entity),
        TableTransactionActionType.UpdateReplace => table.UpdateEntityAsync(write.Entity, write.ETag, TableUpdateMode.Replace),
        TableTransactionActionType.Delete => table.DeleteEntityAsync(write.Entity, write.ETag),
        _ => throw new ArgumentOutOfRangeException(nameof(write), write.ActionType, "Rows are added, replaced or removed."),
    };
}
