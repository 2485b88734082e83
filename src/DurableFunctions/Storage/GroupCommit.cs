using Azure;
using Azure.Data.Tables;
using Azure.Data.Tables.Models;

namespace Polyphony.DurableFunctions.Storage;

/// <summary>
/// Writes the rows of a table in groups: while a request to a partition is under way, further writes to it gather, and then all of them go as
/// one transaction, which costs what a single write costs. Nothing waits for company: a write that is alone goes at once. Thread-safe.
/// </summary>
/// <remarks>
/// A transaction that is refused has written nothing. The write that was the cause is told so and the rest goes again; after a few of these,
/// as when a process repeats what another has begun, each of the rest goes alone.
/// </remarks>
/// <param name="send">
/// Writes rows of one partition, all or none, and gives their ETags in the same order. Called for one partition at a time once, but for writes
/// that go alone after a refusal.
/// </param>
internal sealed class GroupCommit(Func<IReadOnlyList<TableTransactionAction>, Task<IReadOnlyList<ETag>>> send)
{
    /// <summary>The maximum number of rows of one transaction, by the service's rule.</summary>
    public const int MaxRows = 100;

    /// <summary>The maximum size of one transaction in bytes; the service takes 4 MiB, and what is counted here is an estimate.</summary>
    public const int MaxBytes = 3 * 1024 * 1024;

    // After so many refusals of one group in a row it is cheaper, and quicker, to send each by itself.
    private const int MaxRefusals = 3;

    private readonly Lock _lock = new();

    // A partition is in here while a request to it is under way.
    private readonly Dictionary<string, LinkedList<Pending>> _waiting = new(StringComparer.Ordinal);

    /// <summary>Writes a row.</summary>
    /// <param name="write">The write, with the ETag that it asks for.</param>
    /// <param name="cancellationToken">Cancels the wait; a write that is under way may still complete.</param>
    /// <returns>The row's ETag once it is durable; <see langword="null"/> if it was refused: there is such a row already, it is another version, or it is gone.</returns>
    public async Task<ETag?> WriteAsync(TableTransactionAction write, CancellationToken cancellationToken) => (await WriteAsync([write], cancellationToken))[0];

    /// <summary>Writes rows of one partition; not as one, but with as few requests as may be.</summary>
    /// <param name="writes">The writes.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>For each what the other overload gives.</returns>
    public async Task<IReadOnlyList<ETag?>> WriteAsync(IReadOnlyList<TableTransactionAction> writes, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var added = writes.Select(write => new Pending(write, cancellationToken)).ToList();
        foreach (var partition in added.GroupBy(pending => pending.Write.Entity.PartitionKey, StringComparer.Ordinal))
        {
            Add(partition.Key, partition);
        }

        return await Task.WhenAll(added.Select(pending => pending.Outcome)).WaitAsync(cancellationToken);
    }

    private void Add(string partition, IEnumerable<Pending> added)
    {
        LinkedList<Pending>? idle = null;
        lock (_lock)
        {
            if (!_waiting.TryGetValue(partition, out var waiting))
            {
                _waiting.Add(partition, idle = waiting = []);
            }

            foreach (var pending in added)
            {
                waiting.AddLast(pending);
            }
        }

        if (idle is not null)
        {
            // Its outcome goes to those who wait for the writes.
            _ = SendAllAsync(partition, idle);
        }
    }

    private async Task SendAllAsync(string partition, LinkedList<Pending> waiting)
    {
        while (Take(partition, waiting) is { Count: > 0 } group)
        {
            await SendAsync(group);
        }
    }

    /// <summary>Takes the next group out of what waits, in its order.</summary>
    /// <returns>The group; empty when nothing waits and the partition is idle.</returns>
    private List<Pending> Take(string partition, LinkedList<Pending> waiting)
    {
        var group = new List<Pending>();
        var rows = new HashSet<string>(StringComparer.Ordinal);
        var bytes = 0L;
        lock (_lock)
        {
            for (var node = waiting.First; node is not null && group.Count < MaxRows;)
            {
                var (pending, next) = (node.Value, node.Next);
                if (pending.IsCancelled)
                {
                    waiting.Remove(node);
                }
                else if (!rows.Contains(pending.Write.Entity.RowKey))
                {
                    bytes += pending.Bytes;
                    if (bytes > MaxBytes && group.Count > 0)
                    {
                        break;
                    }

                    rows.Add(pending.Write.Entity.RowKey);
                    group.Add(pending);
                    waiting.Remove(node);
                }

                node = next;
            }

            if (group.Count == 0)
            {
                _waiting.Remove(partition);
            }
        }

        return group;
    }

    private async Task SendAsync(List<Pending> group)
    {
        for (var refusals = 0; group.Count > 1 && refusals < MaxRefusals; refusals++)
        {
            try
            {
                var versions = await send([.. group.Select(pending => pending.Write)]);
                for (var i = 0; i < group.Count; i++)
                {
                    group[i].Succeed(versions[i]);
                }

                return;
            }
            catch (TableTransactionFailedException e) when (e.Status < 500 && e.FailedTransactionActionIndex is { } index && index < group.Count)
            {
                group[index].Fail(e);
                group.RemoveAt(index);
            }
            catch (RequestFailedException e) when (e is TableTransactionFailedException || e.Status is 400 or 413)
            {
                // It does not say which: each gets its own answer.
                break;
            }
            catch (Exception e)
            {
                group.ForEach(pending => pending.Fail(e));
                return;
            }
        }

        if (group.Count == 1)
        {
            await SendAloneAsync(group[0]);
            return;
        }

        await Parallel.ForEachAsync(group, new ParallelOptions { MaxDegreeOfParallelism = BlobStorage.Parallel }, (pending, _) => SendAloneAsync(pending));
    }

    private async ValueTask SendAloneAsync(Pending pending)
    {
        try
        {
            pending.Succeed((await send([pending.Write]))[0]);
        }
        catch (Exception e)
        {
            pending.Fail(e);
        }
    }

    private sealed class Pending(TableTransactionAction write, CancellationToken cancellationToken)
    {
        private readonly TaskCompletionSource<ETag?> _outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TableTransactionAction Write { get; } = write;

        public long Bytes { get; } = EstimateBytes(write);

        public bool IsCancelled => cancellationToken.IsCancellationRequested;

        public Task<ETag?> Outcome => _outcome.Task;

        public void Succeed(ETag version) => _outcome.TrySetResult(version);

        public void Fail(Exception exception)
        {
            if (exception is RequestFailedException refused && IsRefusal(refused.ErrorCode))
            {
                _outcome.TrySetResult(null);
            }
            else
            {
                _outcome.TrySetException(exception);
            }
        }

        private static bool IsRefusal(string? code) =>
            code == TableErrorCode.EntityAlreadyExists || code == TableErrorCode.UpdateConditionNotSatisfied || code == TableErrorCode.ResourceNotFound;

        // As it is sent: JSON in which characters may be escaped and bytes are base64, with headers of its own.
        private static long EstimateBytes(TableTransactionAction write) => 1024 + (write.Entity is TableEntity entity ? entity.Sum(column => 64 + column.Value switch
        {
            string text => text.Length * 6L,
            byte[] bytes => bytes.Length * 4L / 3,
            BinaryData bytes => bytes.ToMemory().Length * 4L / 3,
            _ => 64,
        }) : 0);
    }
}
