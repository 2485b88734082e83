using Polyphony.Core.Runs;

namespace Polyphony.Core.Tests.Runs;

[Trait("Row", "O5")]
[Trait("Row", "C2")]
public sealed class ItemPartitionTests
{
    [Theory]
    [InlineData(40, 5, 8, 500, 8, 1)] // A slot's share is what a child gets at least.
    [InlineData(35, 5, 8, 500, 14, 2)] // A slot's share of 7 is too small: 14 items in two slots twice, and the last 7 in the slot that is left.
    [InlineData(20, 6, 1, 9, 7, 2)] // In one slot each, five children of 4 would leave a slot over.
    [InlineData(13, 4, 1, 30, 4, 1)] // The items that don't fill a child make the fourth.
    [InlineData(23, 7, 5, 30, 7, 2)]
    [InlineData(1000, 20, 8, 32, 25, 1)] // Each slot has two children, one after the other.
    [InlineData(10, 1, 1, 10, 10, 1)] // As many as a child may have.
    [InlineData(11, 1, 1, 10, 6, 1)] // One more: two children of about the same size, one after the other.
    [InlineData(100, 2, 1, 20, 17, 1)] // Six children of at most 17, three for each slot.
    public void Divide_ItemsAndSlots_GivesEachChildItsShare(int count, int slots, int least, int most, int size, int perChild) =>
        Assert.Equal(new ItemPartition(size, perChild), ItemPartition.Divide(count, slots, least, most));

    /// <summary>Children that are begun as long as there are slots: the sizes by which the fewest slots are over, and of those the smallest.</summary>
    [Fact]
    public void Divide_NoMoreSlotsThanItems_LeavesNoSlotOverThatAnotherSizeWouldUse()
    {
        var random = new Random(1);
        for (var run = 0; run < 5_000; run++)
        {
            var (count, least) = (random.Next(1, 80), random.Next(1, 9));
            var slots = random.Next(1, Math.Min(count, 11) + 1);
            var most = random.Next(least, 30);

            var (size, perChild) = ItemPartition.Divide(count, slots, least, most);

            var where = $"{count} items, {slots} slots, {least} to {most} per child: {size} in {perChild}";
            Assert.True(size >= 1 && size <= most && perChild >= 1 && perChild <= slots, where);
            var shares = Enumerable.Range(1, slots).Select(each => (Size: ((each * count) + slots - 1) / slots, Slots: each)).Where(each => each.Size <= most).ToList();
            if (shares.Count == 0)
            {
                // A slot's share is too large for a child: the fewest children that follow one another in each slot.
                Assert.True(perChild == 1 && Children(count, size) <= slots * Children(count, slots * most), where);
                continue;
            }

            var large = shares.Where(each => each.Size >= least).ToList();
            var best = large.Count > 0 ? large.Max(each => Used(count, slots, each.Size, each.Slots)) : Used(count, slots, shares[^1].Size, shares[^1].Slots);
            Assert.True(Used(count, slots, size, perChild) == best, where);
            Assert.Equal(large.Count > 0 ? large.First(each => Used(count, slots, each.Size, each.Slots) == best) : shares[^1], (size, perChild));
        }
    }

    private static int Children(int count, int size) => (count + size - 1) / size;

    /// <summary>How many slots the children take that can begin at once; none takes more slots than it has items.</summary>
    private static int Used(int count, int slots, int size, int perChild)
    {
        var used = 0;
        for (var left = count; left > 0 && used < slots; left -= size)
        {
            used += Math.Min(perChild, Math.Min(slots - used, left));
        }

        return used;
    }
}
