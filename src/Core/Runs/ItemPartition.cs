namespace Polyphony.Core.Runs;

/// <summary>How the items of a <c>forEach</c> are divided among child orchestrations.</summary>
/// <param name="Size">How many items a child gets.</param>
/// <param name="Slots">How many slots it gets at most; it takes no more than it has items.</param>
internal readonly record struct ItemPartition(int Size, int Slots)
{
    /// <summary>
    /// Gives children their share of the items and of the slots, so that no slot is idle before the end, however large the children are. Of the sizes allowed it is the smallest of those
    /// that leave the fewest slots over. When a slot's share of the items is more than a child may have, the children of one slot follow one another, all of the same size.
    /// </summary>
    /// <param name="count">How many items there are.</param>
    /// <param name="slots">How many run at a time.</param>
    /// <param name="least">The minimum number of items per child, if there are that many and all slots stay busy.</param>
    /// <param name="most">The maximum number of items of a child.</param>
    public static ItemPartition Divide(int count, int slots, int least, int most)
    {
        var passes = Math.Max(1, Ceiling(count, (long)slots * most));
        var best = new ItemPartition((int)Ceiling(count, slots * passes), 1);
        var busy = 0L;
        for (var perChild = 1; perChild <= slots && passes == 1; perChild++)
        {
            var size = (int)Ceiling((long)perChild * count, slots);
            if (size > most)
            {
                break;
            }

            var full = count / size;
            var used = ((long)full * perChild) + Math.Min(Math.Min(perChild, slots - (full * perChild)), count - (full * size));
            if (best.Size < least || used > busy)
            {
                best = new ItemPartition(size, perChild);
                busy = used;
            }
        }

        return best;

        static long Ceiling(long a, long b) => (a + b - 1) / b;
    }
}
