using Polyphony.Core.Runs;

namespace Polyphony.Core.Tests.Runs;

[Trait("Row", "C2")]
public sealed class SlotGateTests
{
    [Fact]
    public async Task AcquireAsync_SlotsFree_TakesAsManyAsWantedOrThereAre()
    {
        var gate = new SlotGate(5);

        Assert.Equal(1, await gate.AcquireAsync());
        Assert.Equal(3, await gate.AcquireAsync(3));
        Assert.Equal(1, await gate.AcquireAsync(3));
        Assert.False(gate.AcquireAsync().IsCompleted);
    }

    [Fact]
    public async Task Release_SeveralWait_ServesThemInTheirOrder()
    {
        var gate = new SlotGate(3);
        await gate.AcquireAsync(3);
        var (first, second, third) = (gate.AcquireAsync(2), gate.AcquireAsync(2), gate.AcquireAsync());

        gate.Release(1);
        Assert.Equal((true, false, false), (first.IsCompleted, second.IsCompleted, third.IsCompleted));
        Assert.Equal(1, await first);

        gate.Release(2);
        Assert.Equal((true, false), (second.IsCompleted, third.IsCompleted));
        Assert.Equal(2, await second);

        gate.Release(1);
        Assert.Equal(1, await third);
        Assert.False(gate.AcquireAsync().IsCompleted);
    }

    [Fact]
    public async Task Release_NobodyWaits_LeavesTheSlotsFree()
    {
        var gate = new SlotGate(2);
        await gate.AcquireAsync(2);

        gate.Release(2);

        Assert.Equal(2, await gate.AcquireAsync(5));
    }

    /// <summary>Whoever is served goes on in place; when it asks again at once, it stands behind those who wait.</summary>
    [Fact]
    public async Task AcquireAsync_WhileOthersAreServed_DoesNotOvertakeThem()
    {
        var gate = new SlotGate(2);
        await gate.AcquireAsync(2);
        Task<int>? again = null;
        var first = gate.AcquireAsync().ContinueWith(_ => again = gate.AcquireAsync(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        var second = gate.AcquireAsync();

        gate.Release(2);

        Assert.True(first.IsCompleted);
        Assert.Equal(1, await second);
        Assert.False(again!.IsCompleted);
    }
}
