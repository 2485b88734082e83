using Polyphony.Core.Client;
using Polyphony.Core.Durable;
using Polyphony.Core.Locks;

namespace Polyphony.Core.Tests.Locks;

[Trait("Row", "S6")]
public sealed class LockNamesTests
{
    [Fact]
    public void Keepers_OfDifferentNames_HaveDifferentIdsThatAnInstanceMayHave()
    {
        string[] names = ["account-1", "account-2", "a.b", "a:b", "A", "a", "ä", "", new('x', 60), new('x', 61), new('x', 128), "account-1.0", LockNames.Keepers("a.b").First, " ", "a/b"];
        var ids = names.Select(LockNames.Keepers).SelectMany(keepers => new[] { keepers.First, keepers.Second }).ToList();
        Assert.Equal(ids.Count, ids.Distinct(StringComparer.Ordinal).Count());
        Assert.All(ids, id => Assert.True(id.Length <= DurableLimits.MaxInstanceIdLength, id));
        Assert.All(ids, WorkflowClient.CheckInstanceId);
        Assert.All(ids, id => Assert.Throws<InstanceIdInvalidException>(() => ReservedIds.Check(id)));
        Assert.All(names, name => Assert.Equal(LockNames.Keepers(name).Second, LockNames.OtherOf(LockNames.Keepers(name).First)));
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("a", true)]
    [InlineData("a\nb", false)]
    [InlineData("a\u007f", false)]
    [InlineData("Konto 4711 / für Ada", true)]
    public void Name_IsGood_OrHasAProblem(string name, bool isGood) => Assert.Equal(isGood, LockNames.ProblemOf(name) is null);

    [Fact]
    public void Name_IsUpTo128Characters()
    {
        Assert.Null(LockNames.ProblemOf(new string('x', 128)));
        Assert.Contains("found 129 characters", LockNames.ProblemOf(new string('x', 129)), StringComparison.Ordinal);
    }

    [Fact]
    public void Request_OfAnotherActivationStartOrRewind_HasAnotherId()
    {
        var start = new DateTimeOffset(2026, 11, 28, 7, 0, 0, TimeSpan.Zero);
        string[] ids = [LockNames.Request("i", start, "a", 0), LockNames.Request("i", start, "a", 1), LockNames.Request("i", start, "a[1]", 0), LockNames.Request("i", start.AddTicks(1), "a", 0), LockNames.Request("j", start, "a", 0)];
        Assert.Equal(5, ids.Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(ids[0], LockNames.Request("i", start, "a", 0));
    }
}
