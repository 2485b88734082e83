using Polyphony.Core.Definitions;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Tests.Runs;

[Trait("Row", "C9")]
public sealed class RetryDelaysTests
{
    private static readonly RetryDefinition Policy = new() { MaxAttempts = 9, FirstDelay = TimeSpan.FromSeconds(10), Backoff = 2, MaxDelay = TimeSpan.FromSeconds(30) };

    [Theory]
    [InlineData(1, 10)]
    [InlineData(2, 20)]
    [InlineData(3, 30)]
    [InlineData(8, 30)]
    public void Of_ManyWhoFailedTogether_SpreadsThemOverTheLastFifth(int attempt, double longest)
    {
        var delays = Enumerable.Range(0, 1_000).Select(instance => RetryDelays.Of(Policy, attempt, $"instance-{instance}").TotalSeconds).Order().ToArray();

        Assert.InRange(delays[0], longest * 0.8, longest * 0.81);
        Assert.InRange(delays[^1], longest * 0.99, longest);

        // A hash byte has 256 values; a thousand of an even distribution take nearly all of them, and each tenth of the range about a hundred.
        Assert.InRange(delays.Distinct().Count(), 200, 256);
        Assert.All(
            delays.CountBy(delay => Math.Min((int)((delay - (longest * 0.8)) / (longest * 0.02)), 9)),
            tenth => Assert.InRange(tenth.Value, 50, 150));
    }

    [Fact]
    public void Of_TheSameCall_IsTheSameOnEveryReplay() =>
        Assert.Equal(RetryDelays.Of(Policy, 2, "instance-1"), RetryDelays.Of(Policy, 2, "instance-1"));

    [Fact]
    public void Of_AttemptsOfOneCall_TakeOffDifferentParts()
    {
        var constant = Policy with { Backoff = 1 };

        Assert.InRange(Enumerable.Range(1, 20).Select(attempt => RetryDelays.Of(constant, attempt, "instance-1")).Distinct().Count(), 15, 20);
    }

    [Theory]
    [InlineData(ErrorKind.Transient, ErrorCodes.Timeout, 1, false, false)]
    [InlineData(ErrorKind.Transient, ErrorCodes.Timeout, 1, true, true)]
    [InlineData(ErrorKind.Transient, ErrorCodes.ProviderUnavailable, 1, false, true)]
    [InlineData(ErrorKind.Transient, ErrorCodes.ProviderUnavailable, 8, false, true)]
    [InlineData(ErrorKind.Transient, ErrorCodes.ProviderUnavailable, 9, false, false)]
    [InlineData(ErrorKind.Terminal, ErrorCodes.ProviderUnavailable, 1, true, false)]
    public void MayRetry_ByKindAttemptAndPolicy(ErrorKind kind, string code, int attempt, bool isExplicit, bool expected) =>
        Assert.Equal(expected, RetryDelays.MayRetry(new CallError(code, "It failed.", kind), attempt, Policy, isExplicit));
}
