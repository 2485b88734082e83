using Polyphony.Core.Runs;

namespace Polyphony.Core.Tests.Runs;

[Trait("Row", "C4")]
public sealed class DelayedCallsTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly CallError Refused = new(ErrorCodes.RateLimited, "slow down", ErrorKind.RateLimited, 40_000);

    /// <summary>One call was refused and the others wait with it; which of them says so last is a matter of timing.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Show_OneFailedAndOneWaitsWithIt_IsRetryingInAnyOrder(bool failedFirst)
    {
        var calls = new DelayedCalls();
        if (failedFirst)
        {
            calls.Begin("a", Wait(40), Refused);
        }

        calls.Begin("b", Wait(40), null);
        if (!failedFirst)
        {
            calls.Begin("a", Wait(40), Refused);
        }

        Assert.Equal("retrying", Show(calls).Status);
        calls.End("a");
        Assert.Equal("waiting", Show(calls).Status);
    }

    [Fact]
    public void Show_Several_SaysUntilWhenTheFirstOfThemWaits()
    {
        var calls = new DelayedCalls();
        calls.Begin("a", Wait(40), Refused);
        calls.Begin("b", Wait(20), Refused);
        calls.Begin("c", Wait(30), Refused);

        Assert.Equal(Start.AddSeconds(20), Show(calls).WaitingUntil);
        calls.End("b");
        Assert.Equal(Start.AddSeconds(30), Show(calls).WaitingUntil);
    }

    [Fact]
    public void Show_NoneAnyMore_LeavesTheStatusAndTakesTheWaitAway()
    {
        var calls = new DelayedCalls();
        calls.Begin("a", Wait(40), Refused);
        var waiting = Show(calls);
        calls.End("a");

        var shown = calls.Show(waiting with { Status = "running" });

        Assert.Equal(("running", null, null, null), (shown.Status, shown.WaitingUntil, shown.WaitReason, shown.WaitMessage));
    }

    private static CallWait Wait(int seconds) => new(Start.AddSeconds(seconds), CallWaitReasons.RetryAfter, "slow down");

    private static NodeProgress Show(DelayedCalls calls) => calls.Show(new NodeProgress { Node = "work", Status = "running" });
}
