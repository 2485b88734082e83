using Polyphony.Core.Payloads;

namespace Polyphony.Core.Tests.Payloads;

[Trait("Row", "S8")]
public sealed class WeightedCacheTests
{
    [Fact]
    public void Set_BeyondCapacity_DropsTheLeastRecentlyUsed()
    {
        var cache = new WeightedCache<string>(10);
        cache.Set("a", "A", 4);
        cache.Set("b", "B", 4);
        Assert.True(cache.TryGet("a", out _));

        cache.Set("c", "C", 5);

        Assert.Equal((true, false, true), (cache.TryGet("a", out _), cache.TryGet("b", out _), cache.TryGet("c", out _)));
        Assert.Equal(9, cache.Weight);
    }

    [Fact]
    public void Set_HeavierThanCapacity_IsNotKept()
    {
        var cache = new WeightedCache<string>(10);
        cache.Set("a", "A", 4);

        cache.Set("b", "B", 11);

        Assert.Equal((true, false), (cache.TryGet("a", out _), cache.TryGet("b", out _)));
    }

    [Fact]
    public void Set_FromManyThreads_StaysWithinCapacity()
    {
        var cache = new WeightedCache<int>(1_000);

        Parallel.For(0, 20_000, i =>
        {
            var key = $"{i % 300}";
            if (cache.TryGet(key, out var value))
            {
                Assert.Equal(i % 300, value);
            }
            else
            {
                cache.Set(key, i % 300, 10);
            }
        });

        Assert.Equal(1_000, cache.Weight);
    }
}
