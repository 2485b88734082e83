using Polyphony.Core.Durable;

namespace Polyphony.Engine.Runtime;

/// <summary>
/// Where an instance stands among those that started each other: how deep, below whom, and how many there are in all. It bounds what code may set going by starting
/// itself, and lets a terminated tree end faster than it grows. Thread-safe.
/// </summary>
internal sealed class Lineage
{
    private readonly Lineage? _parent;
    private readonly Lineage _root;
    private readonly long _key;
    private readonly Lock _counting = new();
    private long? _descendants;
    private volatile bool _terminated;

    private Lineage(Lineage? parent, long key, long? descendants, bool countsAnew = false)
    {
        _parent = parent;
        _root = countsAnew ? this : parent?._root ?? this;
        _key = key;
        _descendants = descendants;
        Depth = parent is null ? 0 : parent.Depth + 1;
    }

    /// <summary>Gets how many instances are above this one.</summary>
    internal int Depth { get; }

    /// <summary>Gets a value indicating whether this instance or one above it was terminated.</summary>
    internal bool IsTerminated
    {
        get
        {
            for (var each = this; each is not null; each = each._parent)
            {
                if (each._terminated)
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>Makes the lineage of an instance that a client has just started.</summary>
    internal static Lineage OfNewRoot() => new(null, 0, 0);

    /// <summary>Makes the lineage of an instance that is read from the file, and whose parent is not in memory.</summary>
    internal static Lineage OfReadRoot(long key) => new(null, key, null);

    /// <summary>Makes the lineage of a new child.</summary>
    /// <param name="ofEternal">Whether the parent never ends: then what is started below the child counts for the child.</param>
    internal Lineage MakeChild(bool ofEternal) => new(this, 0, ofEternal ? 0 : null, ofEternal);

    /// <summary>Makes the lineage of a child that is read from the file.</summary>
    /// <param name="key">The child's key.</param>
    /// <param name="ofEternal">Whether the parent never ends.</param>
    internal Lineage ReadChild(long key, bool ofEternal) => new(this, key, null, ofEternal);

    internal void Terminate() => _terminated = true;

    /// <summary>Counts an instance that is about to be started below this one.</summary>
    /// <param name="readDescendants">Counts what the file has below an instance, by key.</param>
    /// <returns>Why it may not be, or <see langword="null"/>.</returns>
    internal FailureDetails? TryAdd(Func<long, long> readDescendants)
    {
        if (Depth >= DurableLimits.MaxDepth)
        {
            return new FailureDetails("too_deep", $"An instance may be at most {DurableLimits.MaxDepth} levels below the one that a client started. Either something keeps starting itself, or the parts should run side by side.");
        }

        lock (_root._counting)
        {
            _root._descendants ??= readDescendants(_root._key);
            if (_root._descendants >= DurableLimits.MaxDescendants)
            {
                return new FailureDetails("too_many_descendants", $"At most {DurableLimits.MaxDescendants:N0} instances may be started below the one that a client started. Start the parts as separate instances.");
            }

            _root._descendants++;
            return null;
        }
    }
}
