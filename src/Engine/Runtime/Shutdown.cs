using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Polyphony.Engine.Simulation;
using Polyphony.Engine.Storage;

namespace Polyphony.Engine.Runtime;

/// <summary>Stops the engine: in order, because of an error, or as a crash would.</summary>
internal sealed class Shutdown(
    StopState state, Store store, Journal journal, Committer committer, InstanceTable instances, ActivityDispatcher activities, TimerQueue timers, TimeSpan timeout, ILogger log)
{
    /// <summary>Stops the engine because of an error; nothing more is committed.</summary>
    internal void Fatal(Exception cause)
    {
        if (!state.TryStop(cause))
        {
            return;
        }

        if (cause is DataFileException known)
        {
            Log.FileFailed(log, known.Message);
        }
        else
        {
            Log.Fatal(log, cause, store.Name);
        }

        if (cause is not SimulatedCrashException)
        {
            // A crashed process would not ask anybody to end.
            activities.Abort();
        }

        Halt();
        try
        {
            store.Rollback();
        }
        catch (DataFileException e)
        {
            Log.RollbackFailed(log, store.Name, e.Message);
        }

        state.Complete(cause);
    }

    /// <summary>Stops as a crash would. A commit under way ends first: another engine may be started over the same store at once.</summary>
    internal void Crash() => committer.Exclude(() => Fatal(new SimulatedCrashException()));

    /// <summary>Stops in order: lets activities end, commits what waits, notes where everything is.</summary>
    internal async Task StopAsync()
    {
        await activities.StopAsync(timeout);
        timers.Dispose();
        await SettleAsync();
        store.StopWaiting();
        if (state.TryStop(new PolyphonyException("engine_stopped", "The engine was stopped.")))
        {
            Halt();
            try
            {
                committer.Exclude(() => store.EndUse(journal.WriteCheckpoint));
                state.Complete();
            }
            catch (DataFileException e) when (store.WaitsFor is not null)
            {
                // Another process writes, or the disk is full.
                Log.StoppedWithoutNote(log, store.Name, e.Message);
                state.Complete();
            }
            catch (Exception e)
            {
                state.Complete(e);
                throw;
            }
        }
    }

    /// <summary>Lets steps under way be committed, so that results that are there already are not lost. Nothing new begins meanwhile.</summary>
    private async Task SettleAsync()
    {
        // The system's time, because a clock of a test may stand still.
        var began = Stopwatch.GetTimestamp();
        while (!state.IsStopped && instances.Values.Any(static instance => instance.IsBusy) && Stopwatch.GetElapsedTime(began) < timeout)
        {
            await Task.Delay(1);
        }
    }

    private void Halt()
    {
        var cause = state.MakeError();
        timers.Dispose();
        committer.Stop(cause);
        foreach (var instance in instances.Values)
        {
            instance.FailWaiters(cause);

            // A step whose commit failed takes no other, so what has arrived behind it would wait forever.
            instance.FailInbox();
        }
    }
}
