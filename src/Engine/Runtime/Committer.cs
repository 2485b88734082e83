using Polyphony.Engine.Storage;

namespace Polyphony.Engine.Runtime;

/// <summary>Something to be written in a transaction. Records are staged and released one after the other, in the order of their commit.</summary>
internal abstract class CommitRecord
{
    /// <summary>Writes; nobody else stages meanwhile.</summary>
    internal abstract void Stage(StoreWriter writer);

    /// <summary>Lets the world know, after the commit.</summary>
    internal abstract void Release();

    /// <summary>Tells whoever waits that the engine has stopped before the commit.</summary>
    internal abstract void Fail(Exception cause);
}

/// <summary>A crash point: called before and after every commit. What it throws stops the engine there.</summary>
internal interface ICommitHook
{
    void BeforeCommit();

    void AfterCommit();
}

/// <summary>
/// Group commit: whatever waits is written in one transaction. Whoever brings a record commits at once if no commit is under way;
/// what arrives during a commit is taken by the committer's own thread as one batch.
/// </summary>
internal sealed class Committer : IThreadPoolWorkItem, IDisposable
{
    private const int MaxBatch = 1000;

    private readonly BatchWriter _writer;
    private readonly IWorkScheduler _scheduler;
    private readonly StopState _stop;
    private readonly Lock _queueGate = new();
    private readonly Lock _commitGate = new();
    private readonly AutoResetEvent _signal = new(false);
    private readonly Thread? _thread;
    private List<CommitRecord> _queue = [];
    private List<CommitRecord> _spare = [];
    private int _signalled;
    private bool _scheduled;
    private volatile bool _stopped;

    internal Committer(BatchWriter writer, IWorkScheduler scheduler, StopState stop)
    {
        _writer = writer;
        _scheduler = scheduler;
        _stop = stop;
        if (!scheduler.RunsCommits)
        {
            _thread = new Thread(Loop) { IsBackground = true, Name = "polyphony commits" };
            _thread.Start();
        }
    }

    internal void Enqueue(CommitRecord record)
    {
        var schedule = false;
        lock (_queueGate)
        {
            if (!_stopped)
            {
                _queue.Add(record);
                schedule = _thread is null && !_scheduled;
                _scheduled |= schedule;
            }
        }

        if (_stopped)
        {
            record.Fail(_stop.MakeError());
        }
        else if (_thread is null)
        {
            if (schedule)
            {
                _scheduler.Schedule(this);
            }
        }
        else
        {
            Lead();
        }
    }

    /// <summary>Stops for good; what still waits fails.</summary>
    internal void Stop(Exception cause)
    {
        List<CommitRecord> left;
        lock (_queueGate)
        {
            _stopped = true;
            left = _queue;
            _queue = [];
        }

        foreach (var record in left)
        {
            record.Fail(cause);
        }

        _signal.Set();
    }

    /// <summary>Runs something when no commit is under way.</summary>
    internal void Exclude(Action action)
    {
        lock (_commitGate)
        {
            action();
        }
    }

    /// <summary>Commits as scheduled work.</summary>
    public void Execute()
    {
        lock (_queueGate)
        {
            _scheduled = false;
        }

        lock (_commitGate)
        {
            CommitBatch();
        }
    }

    /// <remarks>The signal is left to the collector: who enqueues at this moment may still set it.</remarks>
    public void Dispose()
    {
        // The thread may be the one that found the engine broken and stops it.
        if (_thread is not null && _thread != Thread.CurrentThread)
        {
            _thread.Join();
        }

    }

    private void Lead()
    {
        if (_commitGate.TryEnter())
        {
            try
            {
                // A commit from inside a commit (its release posts a record) is left to the thread.
                if (!_committing)
                {
                    CommitBatch();
                }
            }
            finally
            {
                _commitGate.Exit();
            }
        }

        bool more;
        lock (_queueGate)
        {
            more = _queue.Count > 0;
        }

        if (more && Interlocked.Exchange(ref _signalled, 1) == 0)
        {
            _signal.Set();
        }
    }

    private bool _committing;

    private void Loop()
    {
        while (!_stopped)
        {
            _signal.WaitOne();
            Volatile.Write(ref _signalled, 0);
            lock (_commitGate)
            {
                while (CommitBatch())
                {
                }
            }
        }
    }

    private bool CommitBatch()
    {
        List<CommitRecord> batch;
        lock (_queueGate)
        {
            if (_queue.Count == 0 || _stopped)
            {
                return false;
            }

            if (_queue.Count <= MaxBatch)
            {
                (batch, _queue, _spare) = (_queue, _spare, _queue);
            }
            else
            {
                batch = _queue[..MaxBatch];
                _queue.RemoveRange(0, MaxBatch);
            }
        }

        _committing = true;
        try
        {
            _writer.Commit(batch);
        }
        finally
        {
            _committing = false;
            batch.Clear();
        }

        return true;
    }
}
