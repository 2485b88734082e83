using Polyphony.Engine.Storage;

namespace Polyphony.Engine.Runtime;

/// <summary>Writes records as one transaction and lets their effects loose.</summary>
/// <param name="store">Where to.</param>
/// <param name="journal">Gives the numbers, and notes its checkpoints in the same transactions.</param>
/// <param name="hook">Is called before and after every commit.</param>
/// <param name="stop">Makes the error for what is not committed.</param>
/// <param name="fatal">Stops the engine because of an error.</param>
internal sealed class BatchWriter(Store store, Journal journal, ICommitHook? hook, StopState stop, Action<Exception> fatal)
{
    /// <summary>Writes a batch in one transaction, then lets each record's effects loose, in order.</summary>
    internal void Commit(List<CommitRecord> batch)
    {
        try
        {
            var begun = EngineMetrics.Begin();
            store.Transact(writer =>
            {
                foreach (var record in batch)
                {
                    record.Stage(writer);
                }

                journal.WriteCheckpointIfDue(writer);
                hook?.BeforeCommit();
            });
            EngineMetrics.End(begun, batch.Count);
            hook?.AfterCommit();
            foreach (var record in batch)
            {
                record.Release();
            }
        }
        catch (Exception e)
        {
            // Whatever it is, memory and file may differ from here on: only a restart brings them together.
            fatal(e);
            foreach (var record in batch)
            {
                record.Fail(stop.MakeError());
            }
        }
    }
}
