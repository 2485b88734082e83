using System.Collections.Concurrent;
using Azure;
using Azure.Data.Tables;
using Polyphony.DurableFunctions.Storage;

namespace Polyphony.DurableFunctions.Tests.Storage;

/// <summary>Writes that gather while a request is under way.</summary>
[Trait("Row", "B2")]
public sealed class GroupCommitTests
{
    private readonly ConcurrentQueue<Sent> _requests = new();
    private readonly GroupCommit _commits;

    public GroupCommitTests() => _commits = new GroupCommit(writes =>
    {
        var sent = new Sent([.. writes.Select(write => write.Entity.RowKey)], new(TaskCreationOptions.RunContinuationsAsynchronously));
        _requests.Enqueue(sent);
        return sent.Outcome.Task;
    });

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Write_Alone_GoesAtOnceAndIsDoneWithItsRequest()
    {
        var write = WriteAsync("a");

        var request = await NextAsync();
        Assert.Equal(["a"], request.Rows);
        Assert.False(write.IsCompleted);
        request.Succeed();
        Assert.Equal("a", await write);
    }

    [Fact]
    public async Task Write_WhileARequestIsUnderWay_GoTogetherInGroupsOfAHundred()
    {
        var writes = Enumerable.Range(0, 251).Select(i => WriteAsync($"{i}")).ToList();

        int[] sizes = [1, 100, 100, 50];
        foreach (var size in sizes)
        {
            Assert.Equal(size, Assert.Single(_requests).Rows.Count);
            (await NextAsync()).Succeed();
            await (size == 50 ? Task.CompletedTask : ArrivedAsync());
        }

        Assert.Equal(Enumerable.Range(0, 251).Select(i => $"{i}"), await Task.WhenAll(writes));
        Assert.Empty(_requests);
    }

    [Fact]
    public async Task Write_ListOfAnIdlePartition_GoesTogetherAtOnce()
    {
        var writes = _commits.WriteAsync([.. Enumerable.Range(0, 150).Select(i => Write("p", $"{i}"))], Token);

        Assert.Equal(100, Assert.Single(_requests).Rows.Count);
        (await NextAsync()).Succeed();
        (await NextAsync()).Succeed();
        Assert.Equal("149", (await writes)[149].ToString());
    }

    [Fact]
    public async Task Write_ToOtherPartitions_WaitsForNothing()
    {
        var writes = new[] { WriteAsync("a", "p"), WriteAsync("b", "q") };

        Assert.Equal(2, _requests.Count);
        (await NextAsync()).Succeed();
        (await NextAsync()).Succeed();
        Assert.Equal(["a", "b"], await Task.WhenAll(writes));
    }

    [Fact]
    public async Task Write_MoreThanOneRequestHolds_IsDividedBySize()
    {
        var first = WriteAsync("first");
        // In base64 each is more than a third of what a request may hold.
        var writes = Enumerable.Range(0, 5).Select(i => WriteAsync($"{i}", content: new byte[900 * 1024])).ToList();

        (await NextAsync()).Succeed();
        foreach (var rows in new string[][] { ["0", "1"], ["2", "3"], ["4"] })
        {
            var request = await NextAsync();
            Assert.Equal(rows, request.Rows);
            request.Succeed();
        }

        Assert.Equal("first", await first);
        Assert.Equal(["0", "1", "2", "3", "4"], await Task.WhenAll(writes));
    }

    [Fact]
    public async Task Write_TheSameRowTwice_IsNeverInOneRequestAndKeepsItsOrder()
    {
        var writes = new[] { WriteAsync("first"), WriteAsync("a"), WriteAsync("b"), WriteAsync("a"), WriteAsync("c") };

        (await NextAsync()).Succeed();
        var group = await NextAsync();
        Assert.Equal(["a", "b", "c"], group.Rows);
        group.Succeed();
        var last = await NextAsync();
        Assert.Equal(["a"], last.Rows);
        Assert.False(writes[3].IsCompleted);
        last.Succeed();
        await Task.WhenAll(writes);
    }

    [Fact]
    public async Task Write_OneOfAGroupIsRefused_OnlyThatOneIsToldSo()
    {
        var writes = await GatherAsync("a", "b", "c");

        (await NextAsync()).Refuse(1);
        var rest = await NextAsync();
        Assert.Equal(["a", "c"], rest.Rows);
        Assert.All(writes.Where((_, i) => i != 1), write => Assert.False(write.IsCompleted));
        rest.Succeed();

        Assert.Equal(["a", null, "c"], await Task.WhenAll(writes));
    }

    [Fact]
    public async Task Write_ManyOfAGroupAreRefused_EachOfTheRestGoesAlone()
    {
        var writes = await GatherAsync("a", "b", "c", "d", "e", "f");

        for (var i = 0; i < 3; i++)
        {
            (await NextAsync()).Refuse(0);
        }

        for (var i = 0; i < 3; i++)
        {
            var alone = await NextAsync();
            if (Assert.Single(alone.Rows) == "e")
            {
                alone.Fail(412, "UpdateConditionNotSatisfied");
            }
            else
            {
                alone.Succeed();
            }
        }

        Assert.Equal([null, null, null, "d", null, "f"], await Task.WhenAll(writes));
    }

    [Theory]
    [InlineData(413, "RequestBodyTooLarge", null)]
    [InlineData(400, "InvalidInput", null)]
    [InlineData(500, "OperationTimedOut", 0)]
    public async Task Write_AGroupFailsThroughNoneOfItsRows_EachGoesAlone(int status, string code, int? index)
    {
        var writes = await GatherAsync("a", "b");

        (await NextAsync()).Fail(status, code, index);
        (await NextAsync()).Succeed();
        (await NextAsync()).Succeed();

        Assert.Equal(["a", "b"], await Task.WhenAll(writes));
    }

    [Fact]
    public async Task Write_TheRequestFails_AllAreToldSoAndTheNextGoes()
    {
        var writes = await GatherAsync("a", "b");
        var next = WriteAsync("next");

        (await NextAsync()).Fail(403, "AuthorizationFailure");
        foreach (var write in writes)
        {
            Assert.Equal(403, (await Assert.ThrowsAsync<RequestFailedException>(() => write)).Status);
        }

        (await NextAsync()).Succeed();
        Assert.Equal("next", await next);
        var late = WriteAsync("late");
        (await NextAsync()).Succeed();
        Assert.Equal("late", await late);
    }

    [Theory]
    [InlineData(409, "EntityAlreadyExists")]
    [InlineData(412, "UpdateConditionNotSatisfied")]
    [InlineData(404, "ResourceNotFound")]
    public async Task Write_AloneAndRefused_GivesNothing(int status, string code)
    {
        var write = WriteAsync("a");

        (await NextAsync()).Fail(status, code);

        Assert.Null(await write);
    }

    [Fact]
    public async Task Write_CancelledWhileItWaits_IsNotSentAndOthersAre()
    {
        using var cancellation = new CancellationTokenSource();
        var first = WriteAsync("first");
        var cancelled = WriteAsync("cancelled", cancellationToken: cancellation.Token);
        var other = WriteAsync("other");

        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        (await NextAsync()).Succeed();
        var group = await NextAsync();
        Assert.Equal(["other"], group.Rows);
        group.Succeed();

        Assert.Equal(["first", "other"], await Task.WhenAll(first, other));
    }

    [Fact]
    public async Task Write_CancelledWhileItIsUnderWay_EndsThatWaitAlone()
    {
        using var cancellation = new CancellationTokenSource();
        var first = WriteAsync("first");
        var cancelled = WriteAsync("cancelled", cancellationToken: cancellation.Token);
        var other = WriteAsync("other");
        (await NextAsync()).Succeed();
        var group = await NextAsync();

        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        Assert.False(other.IsCompleted);
        Assert.Equal(["cancelled", "other"], group.Rows);
        group.Succeed();

        Assert.Equal(["first", "other"], await Task.WhenAll(first, other));
    }

    [Fact]
    public async Task Write_CancelledBefore_IsNotSent()
    {
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => WriteAsync("a", cancellationToken: new CancellationToken(canceled: true)));

        Assert.Empty(_requests);
    }

    /// <summary>Lets writes gather behind a first one, which succeeds.</summary>
    private async Task<List<Task<string?>>> GatherAsync(params string[] rows)
    {
        _ = WriteAsync("first");
        var writes = rows.Select(row => WriteAsync(row)).ToList();
        (await NextAsync()).Succeed();
        await ArrivedAsync();
        Assert.Equal(rows, Assert.Single(_requests).Rows);
        return writes;
    }

    private async Task<string?> WriteAsync(string row, string partition = "p", byte[]? content = null, CancellationToken? cancellationToken = null) =>
        (await _commits.WriteAsync(Write(partition, row, content), cancellationToken ?? Token))?.ToString();

    private static TableTransactionAction Write(string partition, string row, byte[]? content = null) =>
        new(TableTransactionActionType.Add, new TableEntity(partition, row) { ["Content"] = content ?? [] });

    private async Task ArrivedAsync()
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (_requests.IsEmpty)
        {
            await Task.Delay(1, deadline.Token);
        }
    }

    private async Task<Sent> NextAsync()
    {
        await ArrivedAsync();
        return _requests.TryDequeue(out var next) ? next : throw new InvalidOperationException("Somebody else takes requests.");
    }

    /// <summary>A request that waits for what the test makes of it. Rows get their keys as ETags.</summary>
    private sealed record Sent(IReadOnlyList<string> Rows, TaskCompletionSource<IReadOnlyList<ETag>> Outcome)
    {
        public void Succeed() => Outcome.SetResult([.. Rows.Select(row => new ETag(row))]);

        public void Refuse(int index) => Fail(409, "EntityAlreadyExists", index);

        public void Fail(int status, string code, int? index = null)
        {
            var failed = new RequestFailedException(status, "No.", code, null);
            if (index is null)
            {
                Outcome.SetException(failed);
                return;
            }

            failed.Data["FailedEntity"] = $"{index}";
            var refused = new TableTransactionFailedException(failed);
            Assert.Equal(index, refused.FailedTransactionActionIndex);
            Outcome.SetException(refused);
        }
    }
}
