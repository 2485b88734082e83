using Polyphony.Core.Graph;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Tests.Runs;

[Trait("Row", "S5")]
public sealed class ChunkedArrayTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(1000)]
    public void Create_AnyLength_HoldsTheItemsInOrder(int length)
    {
        int[] items = [.. Enumerable.Range(0, length)];

        var array = ChunkedArray.Create<int>(items);

        Assert.Equal(items, array);
        Assert.Equal(length, array.Count);
        Assert.Equal(items, Enumerable.Range(0, length).Select(i => array[i]));
        Assert.Throws<IndexOutOfRangeException>(() => array[length]);
        Assert.Throws<IndexOutOfRangeException>(() => array[-1]);
    }

    /// <summary>Against a plain array that is copied whole, for items of several sizes.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(300)]
    public void SetItem_ManyTimes_LeavesEveryOlderVersionUntouched(int length)
    {
        Check<byte>(length, i => (byte)i);
        Check<string>(length, i => $"{i}");
        Check<NodeState>(length, i => new NodeState((NodePhase)(i % 6), i, (ulong)i));
        Check<decimal>(length, i => i);
    }

    [Fact]
    public void SetItem_OutOfRange_IsRefused()
    {
        var array = ChunkedArray.Create<int>([1, 2, 3]);

        Assert.Throws<IndexOutOfRangeException>(() => array.SetItem(3, 0));
        Assert.Throws<IndexOutOfRangeException>(() => array.SetItem(-1, 0));
    }

    private static void Check<T>(int length, Func<int, T> item)
    {
        var random = new Random(length);
        var versions = new List<(T[] Expected, ChunkedArray<T> Array)>();
        T[] expected = [.. Enumerable.Range(0, length).Select(item)];
        versions.Add((expected, ChunkedArray.Create<T>(expected)));
        for (var step = 0; step < 100; step++)
        {
            var (from, array) = versions[random.Next(versions.Count)];
            expected = [.. from];
            var index = random.Next(length);
            expected[index] = item(random.Next(1000));
            versions.Add((expected, array.SetItem(index, expected[index])));
        }

        Assert.All(versions, version => Assert.Equal(version.Expected, version.Array));
    }
}
