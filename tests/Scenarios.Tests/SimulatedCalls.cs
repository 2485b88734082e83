using Polyphony.Core.Durable;

namespace Polyphony.Scenarios.Tests;

/// <summary>Calls from outside of a simulation, whose engine may crash before it has taken them.</summary>
internal static class SimulatedCalls
{
    /// <summary>Makes a call until an engine has taken it.</summary>
    /// <param name="call">The call. It may be made twice: a crash can leave it open whether it was taken.</param>
    public static async Task UntilTakenAsync(Func<Task> call)
    {
        while (true)
        {
            try
            {
                await call();
                return;
            }
            catch (PolyphonyException e) when (e.Code == "engine_stopped")
            {
                await Task.Yield();
            }
        }
    }

    /// <summary>Makes a call about an instance until an engine has taken it, or the instance has ended.</summary>
    /// <param name="call">The call.</param>
    public static Task UntilTakenOrEndedAsync(Func<Task> call) => UntilTakenAsync(async () =>
    {
        try
        {
            await call();
        }
        catch (InvalidInstanceStatusException)
        {
            // Done before the crash.
        }
    });
}
