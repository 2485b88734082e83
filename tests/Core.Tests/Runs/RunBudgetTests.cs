using Polyphony.Core.Runs;

namespace Polyphony.Core.Tests.Runs;

[Trait("Row", "C11")]
[Trait("Row", "R7")]
public sealed class RunBudgetTests
{
    private static readonly RunLimits Unlimited = new();

    [Theory]
    [InlineData(4, 99, 0.99, null)]
    [InlineData(5, 99, 0.99, StopReason.MaxModelCalls)]
    [InlineData(6, 99, 0.99, StopReason.MaxModelCalls)]
    [InlineData(4, 100, 0.99, StopReason.MaxTokens)]
    [InlineData(4, 101, 0.99, StopReason.MaxTokens)]
    [InlineData(4, 99, 1, StopReason.MaxCost)]
    [InlineData(4, 99, 1.5, StopReason.MaxCost)]
    [InlineData(5, 100, 1, StopReason.MaxModelCalls)]
    [InlineData(4, 100, 1, StopReason.MaxTokens)]
    public async Task Reached_BelowAndAtEachLimit_NamesTheFirstThatIsUsedUp(int calls, int tokens, double cost, StopReason? expected)
    {
        var budget = new RunBudget(new RunLimits(MaxModelCalls: 5, MaxTokens: 100, MaxCostUsd: 1));
        budget.Restore(calls, new Usage(calls, tokens - 1, 1, (decimal)cost));

        Assert.Equal(expected, budget.Reached);
        Assert.Equal(expected, await budget.TakeCallAsync(CancellationToken.None));
        Assert.Equal(expected is null ? calls + 1 : calls, budget.CallsStarted);
        Assert.Equal(expected is null, budget.HasUnderWay);
    }

    [Fact]
    public async Task Reached_WithoutLimits_IsNever()
    {
        var budget = new RunBudget(Unlimited);
        budget.Restore(1_000_000, new Usage(1_000_000, long.MaxValue / 2, 0, 1_000_000));

        Assert.False(budget.LimitsCalls);
        Assert.Null(await budget.TakeCallAsync(CancellationToken.None));
        Assert.True(new RunBudget(Unlimited with { MaxModelCalls = 1 }).LimitsCalls);
    }

    [Fact]
    public async Task Add_CallThatEnded_BooksWhatItUsed()
    {
        var budget = new RunBudget(Unlimited);
        await budget.TakeCallAsync(CancellationToken.None);
        await budget.TakeCallAsync(CancellationToken.None);

        budget.Add(new Usage(1, 3, 4, 0.5m));
        Assert.True(budget.HasUnderWay);

        budget.Add(new Usage(1, 1, 1, 0.25m));
        Assert.False(budget.HasUnderWay);
        Assert.Equal(new Usage(2, 4, 5, 0.75m), budget.Used);
        Assert.Equal(2, budget.CallsStarted);
    }

    [Fact]
    public async Task GiveBackCall_CallThatWasTaken_IsFreeAgain()
    {
        var budget = new RunBudget(Unlimited with { MaxModelCalls = 1 });
        await budget.TakeCallAsync(CancellationToken.None);

        budget.GiveBackCall();

        Assert.False(budget.HasUnderWay);
        Assert.Equal(0, budget.CallsStarted);
        Assert.Null(await budget.TakeCallAsync(CancellationToken.None));
    }

    [Fact]
    [Trait("Row", "O8")]
    public async Task TakeCallAsync_RestIsSetAside_WaitsForTheChildAndTakesWhatComesBack()
    {
        var budget = new RunBudget(Unlimited with { MaxModelCalls = 3 });
        var share = budget.Reserve(3, 1);
        Assert.Equal(3, share.ModelCalls);
        Assert.Null(budget.Reached);
        var taken = budget.TakeCallAsync(CancellationToken.None).AsTask();
        Assert.False(taken.IsCompleted);

        budget.Settle(share, 2, new Usage(2, 5, 5, 0));

        Assert.Null(await taken);
        Assert.Equal(3, budget.CallsStarted);
        Assert.Equal(new Usage(2, 5, 5, 0), budget.Used);
        Assert.True(budget.HasUnderWay);
        Assert.Equal(StopReason.MaxModelCalls, await budget.TakeCallAsync(CancellationToken.None));
    }

    [Fact]
    [Trait("Row", "O8")]
    public async Task TakeCallAsync_ChildUsesAllOfIt_IsToldTheLimit()
    {
        var budget = new RunBudget(Unlimited with { MaxModelCalls = 3 });
        var share = budget.Reserve(3, 1);
        var taken = budget.TakeCallAsync(CancellationToken.None).AsTask();

        budget.Settle(share, 3, Usage.None);

        Assert.Equal(StopReason.MaxModelCalls, await taken);
        Assert.Equal(3, budget.CallsStarted);
        Assert.False(budget.HasUnderWay);
    }

    [Fact]
    [Trait("Row", "O8")]
    public async Task TakeCallAsync_SeveralWait_AreServedInTheirOrder()
    {
        var budget = new RunBudget(Unlimited with { MaxModelCalls = 2 });
        var (one, other) = (budget.Reserve(1, 1), budget.Reserve(1, 1));
        var (first, second) = (budget.TakeCallAsync(CancellationToken.None).AsTask(), budget.TakeCallAsync(CancellationToken.None).AsTask());

        budget.Settle(one, 0, Usage.None);
        Assert.Equal((true, false), (first.IsCompleted, second.IsCompleted));

        budget.Settle(other, 0, Usage.None);
        Assert.Null(await second);
        Assert.Equal(2, budget.CallsStarted);
    }

    [Fact]
    [Trait("Row", "R7")]
    public async Task TakeCallAsync_WaitIsEnded_TakesNothing()
    {
        using var stopping = new CancellationTokenSource();
        var budget = new RunBudget(Unlimited with { MaxModelCalls = 1 });
        var share = budget.Reserve(1, 1);
        var taken = budget.TakeCallAsync(stopping.Token).AsTask();
        Assert.False(taken.IsCompleted);

        await stopping.CancelAsync();
        Assert.Null(await taken);
        Assert.Null(await budget.TakeCallAsync(stopping.Token));
        Assert.Equal(0, budget.CallsStarted);

        budget.Settle(share, 0, Usage.None);
        Assert.Equal(0, budget.CallsStarted);
        Assert.False(budget.HasUnderWay);
    }

    [Fact]
    [Trait("Row", "O8")]
    public async Task Reserve_CallsTokensAndMoney_DividesWhatIsLeft()
    {
        var budget = new RunBudget(new RunLimits(MaxModelCalls: 10, MaxTokens: 1_000, MaxCostUsd: 2));
        await budget.TakeCallAsync(CancellationToken.None);
        budget.Add(new Usage(1, 50, 50, 0.5m));

        var share = budget.Reserve(5, 3);
        Assert.Equal(new RunLimits(MaxModelCalls: 5, MaxTokens: 300, MaxCostUsd: 0.5m), share.Limits);
        Assert.True(budget.HasUnderWay);

        // Nine were left, and five are set aside.
        Assert.Equal(4, budget.Reserve(5, 3).ModelCalls);
        Assert.Equal(0, budget.Reserve(5, 3).ModelCalls);
    }

    [Fact]
    [Trait("Row", "O8")]
    public void Reserve_NothingLeft_GivesALimitAndNotNone()
    {
        var budget = new RunBudget(new RunLimits(MaxModelCalls: 1, MaxTokens: 10, MaxCostUsd: 1));
        budget.Restore(2, new Usage(2, 6, 6, 1.5m));

        Assert.Equal(new RunLimits(MaxModelCalls: 0, MaxTokens: 1, MaxCostUsd: 0.000001m), budget.Reserve(5, 1).Limits);
    }

    [Fact]
    [Trait("Row", "O8")]
    public void Reserve_WithoutLimits_GivesNone()
    {
        var budget = new RunBudget(Unlimited);

        var share = budget.Reserve(5, 2);
        Assert.Equal(Unlimited, share.Limits);
        Assert.True(budget.HasUnderWay);

        budget.Settle(share, 4, new Usage(4, 1, 1, 0));
        Assert.False(budget.HasUnderWay);
        Assert.Equal(4, budget.CallsStarted);
    }

    [Fact]
    [Trait("Row", "O8")]
    public async Task WaitForCallsAsync_OthersHaveTheRest_WaitsUntilEnoughAreFree()
    {
        var budget = new RunBudget(Unlimited with { MaxModelCalls = 10 });
        var (one, other) = (budget.Reserve(4, 1), budget.Reserve(4, 1));
        Assert.True(budget.WaitForCallsAsync(2, CancellationToken.None).AsTask().IsCompletedSuccessfully);
        var waiting = budget.WaitForCallsAsync(7, CancellationToken.None).AsTask();
        Assert.False(waiting.IsCompleted);

        budget.Settle(one, 0, Usage.None);
        Assert.False(waiting.IsCompleted);

        budget.Settle(other, 3, Usage.None);
        await waiting;
        Assert.Equal(7, budget.Reserve(8, 1).ModelCalls);
    }

    [Fact]
    [Trait("Row", "O8")]
    public async Task WaitForCallsAsync_NoMoreWillEverBeFree_GoesOnWithWhatThereIs()
    {
        var budget = new RunBudget(Unlimited with { MaxModelCalls = 10 });
        Assert.True(budget.WaitForCallsAsync(11, CancellationToken.None).AsTask().IsCompletedSuccessfully);
        var share = budget.Reserve(4, 1);
        var waiting = budget.WaitForCallsAsync(8, CancellationToken.None).AsTask();

        budget.Settle(share, 4, Usage.None);

        Assert.True(waiting.IsCompletedSuccessfully);
        await waiting;
        Assert.Equal(6, budget.Reserve(8, 1).ModelCalls);
    }

    [Fact]
    [Trait("Row", "R7")]
    public async Task WaitForCallsAsync_LimitReachedOrWaitEnded_GoesOn()
    {
        using var stopping = new CancellationTokenSource();
        var budget = new RunBudget(new RunLimits(MaxModelCalls: 10, MaxTokens: 100));
        var (one, _) = (budget.Reserve(4, 1), budget.Reserve(6, 1));
        var (ended, waiting) = (budget.WaitForCallsAsync(8, stopping.Token).AsTask(), budget.WaitForCallsAsync(8, CancellationToken.None).AsTask());

        await stopping.CancelAsync();
        Assert.Equal((true, false), (ended.IsCompletedSuccessfully, waiting.IsCompleted));
        await ended;

        budget.Settle(one, 1, new Usage(1, 100, 0, 0));
        Assert.True(waiting.IsCompletedSuccessfully);
        await waiting;
    }
}
