using System.Collections;
using System.Runtime.CompilerServices;

namespace Polyphony.Core.Runs;

/// <summary>Makes <see cref="ChunkedArray{T}"/>s.</summary>
internal static class ChunkedArray
{
    /// <summary>Makes an array.</summary>
    /// <typeparam name="T">The items.</typeparam>
    /// <param name="items">The items; copied.</param>
    /// <returns>The array.</returns>
    public static ChunkedArray<T> Create<T>(ReadOnlySpan<T> items) => new(items);
}

/// <summary>
/// An immutable array of a fixed length that is cheap to change: a changed copy shares all but the chunks that differ. Reading an item takes constant
/// time; changing one copies about 256 bytes and a reference per chunk, where an array of a thousand nodes would be copied whole.
/// </summary>
/// <typeparam name="T">The items.</typeparam>
internal sealed class ChunkedArray<T> : IReadOnlyList<T>
{
    // A power of two, so that a place is found with a shift and a mask.
    private static readonly int Shift = Unsafe.SizeOf<T>() switch { <= 1 => 8, <= 4 => 6, <= 8 => 5, <= 16 => 4, _ => 3 };

    private readonly T[][] _chunks;

    internal ChunkedArray(ReadOnlySpan<T> items)
    {
        _chunks = new T[(items.Length + (1 << Shift) - 1) >> Shift][];
        Count = items.Length;
        for (var i = 0; i < _chunks.Length; i++)
        {
            _chunks[i] = items.Slice(i << Shift, Math.Min(1 << Shift, items.Length - (i << Shift))).ToArray();
        }
    }

    private ChunkedArray(T[][] chunks, int count)
    {
        _chunks = chunks;
        Count = count;
    }

    /// <inheritdoc/>
    public int Count { get; }

    /// <inheritdoc/>
    public T this[int index] => _chunks[index >> Shift][index & ((1 << Shift) - 1)];

    /// <summary>Makes a copy in which one item differs.</summary>
    /// <param name="index">Which, from 0.</param>
    /// <param name="item">The new item.</param>
    /// <returns>The copy.</returns>
    /// <exception cref="IndexOutOfRangeException">There is no such item.</exception>
    public ChunkedArray<T> SetItem(int index, T item)
    {
        var changes = new Changes(this);
        changes[index] = item;
        return changes.Finish();
    }

    /// <inheritdoc/>
    public IEnumerator<T> GetEnumerator() => _chunks.SelectMany(static chunk => chunk).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Collects changes to an array, for a copy that has them all. The array itself stays unchanged.</summary>
    /// <param name="from">The array.</param>
    internal struct Changes(ChunkedArray<T> from)
    {
        private T[][]? _chunks;

        public readonly int Count => from.Count;

        /// <summary>Gets or sets an item, changes included.</summary>
        public T this[int index]
        {
            readonly get => (_chunks ?? from._chunks)[index >> Shift][index & ((1 << Shift) - 1)];
            set
            {
                _chunks ??= (T[][])from._chunks.Clone();
                ref var chunk = ref _chunks[index >> Shift];
                if (ReferenceEquals(chunk, from._chunks[index >> Shift]))
                {
                    chunk = (T[])chunk.Clone();
                }

                chunk[index & ((1 << Shift) - 1)] = value;
            }
        }

        /// <summary>Makes the copy. Nothing may be changed afterwards.</summary>
        public readonly ChunkedArray<T> Finish() => _chunks is null ? from : new ChunkedArray<T>(_chunks, from.Count);
    }
}
