using Polyphony.Core.Nodes.Agents;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Tests.Nodes.Agents;

[Trait("Row", "B2")]
public sealed class CallNumberTests
{
    [Fact]
    public void Follow_NothingAnswered_KeepsTheNumber()
    {
        var number = new CallNumber(3);

        number.Follow(new AgentCallResult { Error = new CallError("overloaded", "Try later.", ErrorKind.Transient) });

        Assert.Equal(3, number.Current);
    }

    [Fact]
    public void Follow_AnsweredWithAnError_TakesTheNext()
    {
        // It was paid for and is recorded: the same number would give it again.
        var number = new CallNumber(3);

        number.Follow(new AgentCallResult { Usage = Usage.None with { ModelCalls = 1 }, Error = new CallError("refused", "No.", ErrorKind.Transient) });

        Assert.Equal(4, number.Current);
    }

    [Fact]
    public void Advance_TakesTheNext()
    {
        var number = new CallNumber(1);

        number.Advance();

        Assert.Equal(2, number.Current);
        Assert.Equal(2, number.After(new AgentCallResult()));
    }
}
