using Polyphony.Core.Locks;

namespace Polyphony.Core.CodeFirst;

/// <summary>Locks that a workflow in C# holds, until they are disposed of.</summary>
public sealed class CodeLock : IDisposable
{
    private readonly Action<LockHold> _release;
    private LockHold? _hold;

    internal CodeLock(LockHold hold, Action<LockHold> release)
    {
        _hold = hold;
        _release = release;
    }

    /// <summary>Gives the locks back: the next who waits is told in the same step. A second call does nothing.</summary>
    public void Dispose()
    {
        if (_hold is { } hold)
        {
            _hold = null;
            _release(hold);
        }
    }
}
