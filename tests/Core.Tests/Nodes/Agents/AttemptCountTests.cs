using Polyphony.Core.Definitions;
using Polyphony.Core.Nodes.Agents;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Tests.Nodes.Agents;

[Trait("Row", "C9")]
public sealed class AttemptCountTests
{
    private static readonly CallError Transient = new("overloaded", "Try later.", ErrorKind.Transient);

    [Fact]
    public void MayRetry_UntilThePolicyIsUsedUp()
    {
        var attempts = new AttemptCount(new RetryDefinition { MaxAttempts = 2 });
        attempts.Begin();
        Assert.True(attempts.MayRetry(Transient));

        attempts.Begin();

        Assert.False(attempts.MayRetry(Transient));
    }

    [Fact]
    public void GiveBack_AWaitIsNoAttempt()
    {
        var attempts = new AttemptCount(new RetryDefinition { MaxAttempts = 2 });
        attempts.Begin();
        attempts.GiveBack();
        attempts.Begin();

        Assert.Equal(1, attempts.Current);
        Assert.True(attempts.MayRetry(Transient));
    }

    [Fact]
    public void Restart_AnotherCallHasAttemptsOfItsOwn()
    {
        var attempts = new AttemptCount(new RetryDefinition { MaxAttempts = 1 });
        attempts.Begin();
        attempts.Restart();

        Assert.Equal(0, attempts.Current);
    }

    [Fact]
    public void MayRetry_TerminalError_Never()
    {
        var attempts = new AttemptCount(new RetryDefinition { MaxAttempts = 9 });
        attempts.Begin();

        Assert.False(attempts.MayRetry(Transient with { Kind = ErrorKind.Terminal }));
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, true)]
    public void MayRetry_Timeout_OnlyWhereAPolicyIsGiven(bool given, bool expected)
    {
        var attempts = new AttemptCount(given ? new RetryDefinition { MaxAttempts = 3 } : null);
        attempts.Begin();

        Assert.Equal(expected, attempts.MayRetry(Transient with { Code = ErrorCodes.Timeout }));
    }
}
