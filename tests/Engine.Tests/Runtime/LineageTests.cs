using Polyphony.Core.Durable;
using Polyphony.Engine.Runtime;
using Polyphony.Engine.Simulation;

namespace Polyphony.Engine.Tests.Runtime;

/// <summary>How far code may go that starts itself, and how such a tree is ended.</summary>
[Trait("Row", "O8")]
public sealed class LineageTests
{
    [Fact]
    public async Task CallSubOrchestration_ThatStartsItself_EndsAtTheDeepestLevel()
    {
        var registry = new DurableRegistry().AddOrchestration("again", async (context, input) =>
        {
            var level = int.Parse(input!, System.Globalization.CultureInfo.InvariantCulture);
            try
            {
                return await context.CallSubOrchestrationAsync("again", null, $"{level + 1}");
            }
            catch (TaskFailedException e)
            {
                return $"\"{level} {e.FailureDetails.ErrorType}\"";
            }
        });
        await using var engine = await EmbeddedEngine.StartAsync(EngineOptions.InMemory(new SkippingClock()), registry, TestContext.Current.CancellationToken);
        await engine.Client.StartAsync("again", "0", new StartOrchestrationOptions { InstanceId = "top" }, TestContext.Current.CancellationToken);

        var ended = await engine.Client.WaitForCompletionAsync("top", TestContext.Current.CancellationToken);

        Assert.Equal("\"32 too_deep\"", ended.Output);
    }

    [Fact]
    public async Task Terminate_ATreeThatGrows_EndsAllOfIt()
    {
        // Every instance starts the next and waits for it, round after round, so there is always one that is about to grow.
        var registry = new DurableRegistry().AddOrchestration("grows", async (context, input) =>
        {
            var level = int.Parse(input!, System.Globalization.CultureInfo.InvariantCulture);
            while (true)
            {
                try
                {
                    await Task.WhenAll(Enumerable.Range(0, level < 10 ? 1 : 2).Select(_ => context.CallSubOrchestrationAsync("grows", null, $"{(level < 31 ? level + 1 : 32)}")));
                }
                catch (TaskFailedException)
                {
                    await context.CreateTimerAsync(context.CurrentUtcDateTime.AddMilliseconds(1));
                }
            }
        });
        await using var engine = await EmbeddedEngine.StartAsync(EngineOptions.InMemory(), registry, TestContext.Current.CancellationToken);
        await engine.Client.StartAsync("grows", "0", new StartOrchestrationOptions { InstanceId = "top" }, TestContext.Current.CancellationToken);
        while (engine.UnfinishedInstances < 200)
        {
            await Task.Yield();
        }

        await engine.Client.TerminateAsync("top", null, TestContext.Current.CancellationToken);

        Assert.Equal(0, engine.UnfinishedInstances);
    }

    [Fact]
    public void TryAdd_BelowOneRoot_IsRefusedAtTheLimitAndCountsWhatTheFileHas()
    {
        var root = Lineage.OfReadRoot(7);
        var reads = new List<long>();
        long Count(long key)
        {
            reads.Add(key);
            return DurableLimits.MaxDescendants - 2;
        }

        Assert.Null(root.TryAdd(Count));
        Assert.Null(root.MakeChild(ofEternal: false).MakeChild(ofEternal: false).TryAdd(Count));
        Assert.Equal("too_many_descendants", root.MakeChild(ofEternal: false).TryAdd(Count)?.ErrorType);
        Assert.Equal([7], reads);
        Assert.Null(Lineage.OfNewRoot().TryAdd(_ => throw new InvalidOperationException("A new root has none.")));
    }

    [Fact]
    public void TryAdd_BelowChildrenOfOneThatNeverEnds_CountsForEachOfThem()
    {
        var root = Lineage.OfNewRoot();
        var (one, other) = (root.MakeChild(ofEternal: true), root.ReadChild(5, ofEternal: true));

        Assert.Equal("too_many_descendants", other.TryAdd(key => key == 5 ? DurableLimits.MaxDescendants : 0)?.ErrorType);
        Assert.Null(one.MakeChild(ofEternal: false).TryAdd(_ => throw new InvalidOperationException("A new child has none.")));
        Assert.Equal((1, 2), (one.Depth, one.MakeChild(ofEternal: false).Depth));

        root.Terminate();
        Assert.True(one.IsTerminated);
    }

    [Fact]
    public void IsTerminated_BelowATerminatedOne_IsTrueForAllAndNoOther()
    {
        var root = Lineage.OfNewRoot();
        var (left, right) = (root.MakeChild(ofEternal: false), root.MakeChild(ofEternal: false));
        var below = left.MakeChild(ofEternal: false).MakeChild(ofEternal: false);

        left.Terminate();

        Assert.Equal((false, true, true, false), (root.IsTerminated, left.IsTerminated, below.IsTerminated, right.IsTerminated));
    }
}
