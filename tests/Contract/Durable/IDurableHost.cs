using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
using Polyphony.Core.Ledger;
using Polyphony.Core.Payloads;

namespace Polyphony.Contract.Durable;

/// <summary>A running host of the engine under test. All that the suites know of an engine.</summary>
public interface IDurableHost : IAsyncDisposable
{
    DurableClient Client { get; }

    IPayloadStore Payloads { get; }

    ILedger Ledger { get; }

    IDefinitionStore Definitions { get; }

    /// <summary>Gets a wait that this engine gets through quickly: days where time can be skipped, milliseconds where it can't.</summary>
    TimeSpan ShortWait { get; }

    /// <summary>Gets how much earlier than asked a timer may fire: not at all, but where the storage counts in whole seconds.</summary>
    TimeSpan TimersEarlyBy => TimeSpan.Zero;

    /// <summary>Gets a value indicating whether an event may arrive a second time when a process ends between the commit of a step and the deletion of its messages.</summary>
    bool EventsMayRepeat => false;

    /// <summary>Stops the host and starts it again on the same data.</summary>
    /// <param name="registry">What the new host runs; the same as before if <see langword="null"/>.</param>
    /// <param name="crash">Whether it stops as a crash would.</param>
    Task RestartAsync(DurableRegistry? registry = null, bool crash = false);

    /// <summary>Keeps the time from being skipped, for engines that do that, until the result is disposed.</summary>
    IDisposable HoldTime();
}
