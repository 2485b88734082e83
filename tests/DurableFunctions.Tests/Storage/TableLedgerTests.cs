using Azure.Core;
using Azure.Storage.Blobs.Models;
using Polyphony.Contract.Durable;
using Polyphony.Core.Ledger;
using Polyphony.DurableFunctions.Storage;

namespace Polyphony.DurableFunctions.Tests.Storage;

/// <summary>What is particular to the ledger in a table: shared requests, large answers, odd ids, large instances.</summary>
[Trait("Row", "B2")]
public sealed class TableLedgerTests
{
    private static readonly string TooLong = new('x', 200 * 1024);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task BeginAndComplete_OneStep_IsThreeRequests()
    {
        await using var container = TestContainer.Create();
        var gate = Counter();
        var ledger = container.OpenLedger(gate);
        await BeginAsync(ledger, "other", "1");
        gate.Close();

        await BeginAsync(ledger, "i1", "1");
        await ledger.CompleteAsync("i1/1", LedgerAnswers.Of("1"), Token);

        Assert.Equal(["POST", "PUT"], gate.Sent.Select(sent => sent.Split(' ')[0]));
        Assert.Equal(["POST"], gate.SentUsage.Select(sent => sent.Split(' ')[0]));
    }

    [Fact]
    public async Task BeginAndComplete_AHundredAtOnce_IsAFewRequests()
    {
        await using var container = TestContainer.Create();
        await container.OpenTable().CreateAsync(Token);
        var gate = new RequestGate(RequestMethod.Post, "");
        var ledger = container.OpenLedger(gate);

        // While the first is held back, all others gather.
        var begins = Enumerable.Range(0, 100).Select(i => BeginAsync(ledger, "i1", $"{i}")).ToList();
        await gate.Arrived;
        gate.Open();
        await Task.WhenAll(begins);
        Assert.Equal(2, gate.Sent.Count);

        // The same for the answers: one that fills the partition's turn is held back.
        gate.Close();
        var first = BeginAsync(ledger, "i1", "first");
        await gate.Arrived;
        var answers = Enumerable.Range(0, 100).Select(i => ledger.CompleteAsync($"i1/{i}", LedgerAnswers.Of($"{i}"), Token)).ToList();
        gate.Open();
        await first;
        Assert.Equal(Enumerable.Range(0, 100).Select(i => $"{i}"), (await Task.WhenAll(answers)).Select(answer => answer.Content));
        Assert.Equal(2, gate.Sent.Count);

        Assert.Equal(new LedgerTotals(100, 1000, 500, 10m, 1), await container.OpenLedger().GetTotalsAsync("i1", Token));
    }

    [Fact]
    public async Task Begin_SomeOfAGroupThatAnotherProcessBegan_EachGetsWhatIsThere()
    {
        await using var container = TestContainer.Create();
        var other = container.OpenLedger();
        for (var i = 0; i < 10; i++)
        {
            await BeginAsync(other, "i1", $"{i}");
            if (i < 5)
            {
                await other.CompleteAsync($"i1/{i}", LedgerAnswers.Of($"{i}"), Token);
            }
        }

        var gate = new RequestGate(RequestMethod.Post, "");
        var ledger = container.OpenLedger(gate);
        var first = BeginAsync(ledger, "i1", "first");
        await gate.Arrived;
        var begins = Enumerable.Range(0, 50).Select(i => BeginAsync(ledger, "i1", $"{(i * 7) % 50}")).ToList();
        gate.Open();
        await first;

        foreach (var entry in await Task.WhenAll(begins))
        {
            var i = int.Parse(entry.Request.StepId[3..]);
            Assert.Equal((i < 5 ? $"{i}" : null, i is >= 5 and < 10 ? 2 : 1), (entry.Answer?.Content, entry.Begun));
        }

        Assert.Equal(51, (await other.ListAsync("i1", Token)).Count);
    }

    [Fact]
    public async Task Complete_SomeOfAGroupThatAnotherProcessAnswered_TheFirstAnswersStand()
    {
        await using var container = TestContainer.Create();
        var gate = new RequestGate(RequestMethod.Post, "");
        gate.Open();
        var ledger = container.OpenLedger(gate);
        var other = container.OpenLedger();
        await Task.WhenAll(Enumerable.Range(0, 20).Select(i => BeginAsync(ledger, "i1", $"{i}")));
        foreach (var i in new[] { 3, 11 })
        {
            await other.CompleteAsync($"i1/{i}", LedgerAnswers.Of("other"), Token);
        }

        gate.Close();
        var first = BeginAsync(ledger, "i1", "first");
        await gate.Arrived;
        var answers = Enumerable.Range(0, 20).Select(i => ledger.CompleteAsync($"i1/{i}", LedgerAnswers.Of("mine"), Token)).ToList();
        gate.Open();
        await first;

        Assert.Equal(Enumerable.Range(0, 20).Select(i => i is 3 or 11 ? "other" : "mine"), (await Task.WhenAll(answers)).Select(answer => answer.Content));
        // First, the group, the group without the third, that without the eleventh, and the two read.
        Assert.Equal(6, gate.Sent.Count);
    }

    [Theory]
    [InlineData(60 * 1024, false)]
    [InlineData((60 * 1024) + 1, true)]
    [InlineData(200 * 1024, true)]
    [InlineData(2 * 1024 * 1024, true)]
    public async Task Complete_LargeAnswer_IsKeptWhole(int bytes, bool isInBlob)
    {
        await using var container = TestContainer.Create();
        var ledger = container.OpenLedger();
        var answer = LedgerAnswers.Of("ä" + new string('x', bytes - 2)) with { ResponseModel = "m" };
        await BeginAsync(ledger, "i1", "1");
        Assert.Equal(answer, await ledger.CompleteAsync("i1/1", answer, Token));
        await ledger.LeaveUnsettledAsync("i1/1", "late", Token);

        var reader = container.OpenLedger();
        Assert.Equal(answer, (await BeginAsync(reader, "i1", "1")).Answer);
        Assert.Equal((answer, "late"), (Assert.Single(await reader.ListAsync("i1", Token)) is var entry ? entry.Answer : null, entry.LastError));
        Assert.Equal(new LedgerTotals(1, 10, 5, 0.1m, 0), await reader.GetTotalsAsync("i1", Token));
        Assert.Equal(isInBlob ? 1 : 0, await BlobsAsync(container));
        await reader.RemoveAsync("i1", Token);
        Assert.Equal(0, await BlobsAsync(container));
    }

    [Fact]
    public async Task Complete_LongTextsOfTheProvider_AreKept()
    {
        await using var container = TestContainer.Create();
        var ledger = container.OpenLedger();
        var answer = LedgerAnswers.Of("1") with { FinishReason = TooLong, ProviderRequestId = TooLong, ResponseModel = TooLong, CostUsd = null };
        await BeginAsync(ledger, "i1", "1");
        await ledger.CompleteAsync("i1/1", answer, Token);

        Assert.Equal(answer, Assert.Single(await container.OpenLedger().ListAsync("i1", Token)).Answer);
    }

    [Fact]
    public async Task Complete_AHundredLargeAnswersAtOnce_FitTheirRequests()
    {
        await using var container = TestContainer.Create();
        var ledger = container.OpenLedger();
        var content = new string('ß', 30 * 1024);
        await Task.WhenAll(Enumerable.Range(0, 100).Select(i => BeginAsync(ledger, "i1", $"{i}")));

        await Task.WhenAll(Enumerable.Range(0, 100).Select(i => ledger.CompleteAsync($"i1/{i}", LedgerAnswers.Of(content), Token)));

        Assert.All(await ledger.ListAsync("i1", Token), entry => Assert.Equal(content, entry.Answer!.Content));
        Assert.Equal(100, (await ledger.GetTotalsAsync("i1", Token)).Steps);
    }

    [Fact]
    public async Task Complete_LargeAnswerOfTheLater_LeavesNoBlobOfIt()
    {
        await using var container = TestContainer.Create();
        var early = container.OpenLedger();
        var late = container.OpenLedger();
        await BeginAsync(early, "i1", "1");
        await BeginAsync(late, "i1", "1");
        await early.FailAsync("i1/1", "timeout", Token);
        await early.CompleteAsync("i1/1", LedgerAnswers.Of("early" + TooLong), Token);

        Assert.StartsWith("early", (await late.CompleteAsync("i1/1", LedgerAnswers.Of("late" + TooLong), Token)).Content, StringComparison.Ordinal);

        Assert.StartsWith("early", Assert.Single(await late.ListAsync("i1", Token)).Answer!.Content, StringComparison.Ordinal);
        Assert.Equal(1, await BlobsAsync(container));
    }

    [Fact]
    public async Task Remove_AfterACrashBetweenAnswerAndRow_RemovesTheAnswer()
    {
        await using var container = TestContainer.Create();
        var gate = new RequestGate(RequestMethod.Put, "(PartitionKey=");
        var crashed = container.OpenLedger(gate);
        using var crash = new CancellationTokenSource();
        await BeginAsync(crashed, "i1", "1");
        var lost = crashed.CompleteAsync("i1/1", LedgerAnswers.Of(TooLong), crash.Token);
        await gate.Arrived;
        await crash.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => lost);

        var ledger = container.OpenLedger();
        Assert.Null((await BeginAsync(ledger, "i1", "1")).Answer);
        await ledger.CompleteAsync("i1/1", LedgerAnswers.Of("second" + TooLong), Token);
        Assert.Equal(2, await BlobsAsync(container));
        await ledger.RemoveAsync("i1", Token);
        Assert.Equal(0, await BlobsAsync(container));
        Assert.Empty(await ledger.ListAsync("i1", Token));
        gate.Open();
    }

    [Fact]
    public async Task Begin_AnswerWhoseBlobIsGone_SaysSo()
    {
        await using var container = TestContainer.Create();
        var ledger = container.OpenLedger();
        await BeginAsync(ledger, "i1", "1");
        await ledger.CompleteAsync("i1/1", LedgerAnswers.Of(TooLong), Token);
        foreach (var blob in await container.Open().ListAsync("answers/", BlobTraits.None, Token))
        {
            await container.Open().Blob(blob.Name).DeleteAsync(cancellationToken: Token);
        }

        var e = await Assert.ThrowsAsync<PolyphonyException>(() => BeginAsync(ledger, "i1", "1"));
        Assert.Equal("ledger_answer_lost", e.Code);
        Assert.Contains("i1/1", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("POST", "/test")]
    [InlineData("PUT", "(PartitionKey=")]
    public async Task Write_ItsResponseIsLost_IsCountedOnce(string method, string path)
    {
        await using var container = TestContainer.Create();
        await container.OpenTable().CreateAsync(Token);
        var lost = new LostResponse(RequestMethod.Parse(method), path);
        var ledger = container.OpenLedger(lost);

        Assert.Equal(1, (await BeginAsync(ledger, "i1", "1")).Begun);
        await ledger.FailAsync("i1/1", "rate_limited", Token);
        Assert.True(lost.HasHappened);

        var entry = Assert.Single(await ledger.ListAsync("i1", Token));
        Assert.Equal((1, 1, 0), (entry.Begun, entry.Failed, entry.Unsettled));
    }

    [Fact]
    public async Task Write_ResponseOfAGroupIsLost_IsCountedOnce()
    {
        await using var container = TestContainer.Create();
        await container.OpenTable().CreateAsync(Token);
        var lost = new LostResponse(RequestMethod.Post, "$batch");
        var ledger = container.OpenLedger(lost);

        var entries = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => BeginAsync(ledger, "i1", $"{i}")));

        Assert.True(lost.HasHappened);
        Assert.All(entries, entry => Assert.Equal(1, entry.Begun));
        Assert.Equal(20, (await ledger.GetTotalsAsync("i1", Token)).Unsettled);
    }

    [Fact]
    public async Task Complete_LargeAnswerWhoseResponseIsLost_KeepsItsBlob()
    {
        await using var container = TestContainer.Create();
        var lost = new LostResponse(RequestMethod.Put, "(PartitionKey=");
        var ledger = container.OpenLedger(lost);
        await BeginAsync(ledger, "i1", "1");

        await ledger.CompleteAsync("i1/1", LedgerAnswers.Of(TooLong), Token);

        Assert.True(lost.HasHappened);
        Assert.Equal(TooLong, (await BeginAsync(ledger, "i1", "1")).Answer!.Content);
    }

    [Theory]
    [InlineData("a")]
    [InlineData("A.b:c-d_e.")]
    [InlineData("a:b:c")]
    [InlineData("a/b#c?d\\e")]
    [InlineData("ü%20'\" \u0001\u007f~0041")]
    [InlineData("..")]
    [InlineData("long")]
    public async Task Steps_OfInstancesWithOddIds_AreFoundAgain(string instanceId)
    {
        await using var container = TestContainer.Create();
        instanceId = instanceId == "long" ? new string('é', 700) : instanceId;
        // An id that begins alike, and one that looks like the other's escaped form.
        string[] ids = [instanceId, instanceId + "x", LedgerKey.PartitionOf(instanceId) + "~", LedgerKey.PartitionOf(instanceId).Replace("~", "~007e", StringComparison.Ordinal)];
        var ledger = container.OpenLedger();
        foreach (var id in ids.Distinct(StringComparer.Ordinal))
        {
            await BeginAsync(ledger, id, "1");
            await ledger.CompleteAsync($"{id}/1", LedgerAnswers.Of($"{id}{TooLong}"), Token);
        }

        var reader = container.OpenLedger();
        foreach (var id in ids.Distinct(StringComparer.Ordinal))
        {
            var entry = Assert.Single(await reader.ListAsync(id, Token));
            Assert.Equal((id, $"{id}/1", $"{id}{TooLong}"), (entry.Request.InstanceId, entry.Request.StepId, entry.Answer!.Content));
            Assert.Equal(1, (await reader.GetTotalsAsync(id, Token)).Steps);
        }

        await reader.RemoveAsync(instanceId, Token);
        Assert.Empty(await reader.ListAsync(instanceId, Token));
        Assert.Single(await reader.ListAsync(instanceId + "x", Token));
    }

    [Fact]
    public async Task List_AndRemove_MoreThanOneRequestHolds_AreComplete()
    {
        await using var container = TestContainer.Create();
        var writer = container.OpenLedger();
        await Task.WhenAll(Enumerable.Range(0, 1_050).Select(i => BeginAsync(writer, "i1", $"{i}")));
        await BeginAsync(writer, "i2", "1");

        var gate = Counter();
        var ledger = container.OpenLedger(gate);
        Assert.Equal(1_050, (await ledger.ListAsync("i1", Token)).Count);
        Assert.Equal(2, gate.Sent.Count);
        Assert.Equal(1_050, (await ledger.GetTotalsAsync("i1", Token)).Unsettled);
        Assert.Equal(4, gate.Sent.Count);

        await ledger.RemoveAsync("i1", Token);
        Assert.Equal(4 + 2 + 11, gate.Sent.Count);
        Assert.Empty(await ledger.ListAsync("i1", Token));
        Assert.Equal(1, (await ledger.GetTotalsAsync(null, Token)).Unsettled);
    }

    [Fact]
    public async Task Remove_ManyStepsByTwoProcesses_BothSucceed()
    {
        await using var container = TestContainer.Create();
        var writer = container.OpenLedger();
        await Task.WhenAll(Enumerable.Range(0, 120).Select(i => BeginAsync(writer, "i1", $"{i}")));
        var gate = new RequestGate(RequestMethod.Post, "$batch");
        var late = container.OpenLedger(gate);

        var removal = late.RemoveAsync("i1", Token);
        await gate.Arrived;
        await container.OpenLedger().RemoveAsync("i1", Token);
        gate.Open();
        await removal;

        Assert.Empty(await late.ListAsync("i1", Token));
    }

    [Fact]
    public async Task Ledger_WithoutATable_IsEmpty()
    {
        await using var container = TestContainer.Create();
        var ledger = container.OpenLedger();

        Assert.Empty(await ledger.ListAsync("i1", Token));
        Assert.Equal(new LedgerTotals(0, 0, 0, 0, 0), await ledger.GetTotalsAsync(null, Token));
        await ledger.RemoveAsync("i1", Token);
        Assert.Equal("ledger_step_unknown", (await Assert.ThrowsAsync<PolyphonyException>(() => ledger.FailAsync("i1/1", "x", Token))).Code);
    }

    [Fact]
    public async Task Begin_ManyAtOnceWithoutATable_MakesIt()
    {
        await using var container = TestContainer.Create();
        var ledger = container.OpenLedger();

        await Task.WhenAll(Enumerable.Range(0, 40).Select(i => BeginAsync(ledger, $"i{i % 4}", $"{i}")));

        Assert.Equal(40, (await ledger.GetTotalsAsync(null, Token)).Unsettled);
    }

    private static Task<LedgerEntry> BeginAsync(TableLedger ledger, string instanceId, string step) =>
        ledger.BeginAsync(new LedgerRequest($"{instanceId}/{step}", instanceId, "agent", "model", "hash"), Token);

    private static async Task<int> BlobsAsync(TestContainer container) => (await container.Open().ListAsync("", BlobTraits.None, Token)).Count;

    // Holds nothing back.
    private static RequestGate Counter() => new(RequestMethod.Head, "");
}
