namespace Polyphony.Core.Runs;

/// <summary>
/// The slot of one activation. While all that the activation does is wait for people, others have the slot. For one orchestration: not thread-safe.
/// </summary>
/// <param name="gate">Where the slot comes from.</param>
/// <param name="held">How many slots it holds.</param>
internal sealed class SlotHold(SlotGate gate, int held)
{
    private int _held = held;
    private int _underWay;
    private int _waiting;
    private Task? _returning;

    /// <summary>A call that may wait for a person begins.</summary>
    public void Enter() => _underWay++;

    /// <summary>That call has ended.</summary>
    public void Leave()
    {
        _underWay--;
        LendIfIdle();
    }

    /// <summary>A call begins to wait for a person.</summary>
    public void BeginWait()
    {
        _waiting++;
        LendIfIdle();
    }

    /// <summary>That wait is over: goes on as soon as there is a slot.</summary>
    public async Task EndWaitAsync()
    {
        _waiting--;
        if (_held == 0)
        {
            await (_returning ??= TakeBackAsync());
        }
    }

    /// <summary>A wait is over because the activation ends: no slot is wanted any more.</summary>
    public void AbandonWait() => _waiting--;

    /// <summary>Gives the slot back for good, if the activation holds it.</summary>
    public void Release()
    {
        var count = _held;
        _held = 0;
        if (count > 0)
        {
            gate.Release(count);
        }
    }

    private void LendIfIdle()
    {
        if (_waiting > 0 && _waiting == _underWay)
        {
            Release();
        }
    }

    private async Task TakeBackAsync()
    {
        _held = await gate.AcquireAsync();
        _returning = null;
    }
}
