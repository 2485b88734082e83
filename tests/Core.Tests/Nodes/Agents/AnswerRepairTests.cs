using Polyphony.Core.Nodes.Agents;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Tests.Nodes.Agents;

[Trait("Row", "O13")]
public sealed class AnswerRepairTests
{
    private static readonly RepairRequest First = new(Payload.Null, ["a number was expected"]);

    [Fact]
    public void TryBegin_Once_TheNextCallRepairs()
    {
        var repair = new AnswerRepair();
        Assert.Null(repair.Request);

        Assert.True(repair.TryBegin(First));

        Assert.Same(First, repair.Request);
    }

    [Fact]
    public void TryBegin_Again_IsRefused()
    {
        var repair = new AnswerRepair();
        repair.TryBegin(First);

        Assert.False(repair.TryBegin(new RepairRequest(Payload.Null, ["still not"])));
        Assert.Same(First, repair.Request);
    }

    [Fact]
    public void Forget_AsksAnew_ButDoesNotAllowAnother()
    {
        var repair = new AnswerRepair();
        repair.TryBegin(First);

        repair.Forget();

        Assert.Null(repair.Request);
        Assert.False(repair.TryBegin(First));
    }
}
