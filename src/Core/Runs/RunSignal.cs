namespace Polyphony.Core.Runs;

/// <summary>Wakes the main loop of a run when something has ended beside it, and hands it what went wrong there: nobody awaits those tasks.</summary>
internal sealed class RunSignal
{
    private TaskCompletionSource? _wake;
    private Exception? _fault;

    public bool IsFaulted => _fault is not null;

    /// <summary>Sleeps until the next <see cref="Raise"/>.</summary>
    public Task WaitAsync()
    {
        _wake = new TaskCompletionSource();
        return _wake.Task;
    }

    public void Raise()
    {
        var wake = _wake;
        _wake = null;
        wake?.SetResult();
    }

    public void Fault(Exception exception)
    {
        _fault ??= exception;
        Raise();
    }

    public void ThrowIfFaulted()
    {
        if (_fault is not null)
        {
            throw new PolyphonyException(
                (_fault as PolyphonyException)?.Code ?? "interpreter_failed", $"The interpreter failed: {_fault.Message}", _fault);
        }
    }

    /// <summary>Does something when a task has ended, unless the run was stopped before.</summary>
    public async Task WatchAsync(Task task, Action then)
    {
        try
        {
            await task;
            then();
            Raise();
        }
        catch (OperationCanceledException)
        {
            // Stopped for another reason.
        }
        catch (Exception exception)
        {
            Fault(exception);
        }
    }
}
