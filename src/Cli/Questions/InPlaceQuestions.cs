using Polyphony.Cli.Output;
using Polyphony.Cli.Sessions;
using Polyphony.Core.Runs;
using Polyphony.Http.Instances;

namespace Polyphony.Cli.Questions;

/// <summary>
/// Asks the questions of a run where it is followed, one after another, and stops asking what is answered elsewhere or has timed out. <see cref="Show"/> and <see cref="StopAsync"/> are called one at a
/// time.
/// </summary>
/// <param name="session">The host.</param>
/// <param name="view">The progress, which makes room meanwhile.</param>
/// <param name="lines">Where to ask.</param>
/// <param name="command">How users call this tool.</param>
internal sealed class InPlaceQuestions(HostSession session, IProgressView view, ILines lines, string command)
{
    private readonly Lock _lock = new();
    private readonly HashSet<string> _closed = new(StringComparer.Ordinal);
    private InstanceStatus? _status;
    private (string Key, CancellationTokenSource Stop)? _current;
    private bool _isAsking;
    private Task _asking = Task.CompletedTask;

    /// <summary>Looks for questions in a status, and for whether the one being asked is still open.</summary>
    /// <param name="status">The newest status.</param>
    /// <param name="cancellationToken">Leaves the run.</param>
    public void Show(InstanceStatus status, CancellationToken cancellationToken)
    {
        var begins = false;
        lock (_lock)
        {
            _status = status;
            if (_current is { } current)
            {
                if (!HostClient.QuestionsOf(status).Any(wait => Key(wait) == current.Key))
                {
                    current.Stop.Cancel();
                }
            }
            else if (!_isAsking && Next() is not null)
            {
                _isAsking = begins = true;
            }
        }

        if (begins)
        {
            _asking = AskAllAsync(_asking, cancellationToken);
        }
    }

    /// <summary>Stops asking.</summary>
    public async Task StopAsync()
    {
        lock (_lock)
        {
            _status = null;
            _current?.Stop.Cancel();
        }

        await _asking;
    }

    // Asked again with other words, or of somebody else, it is another question.
    private static string Key(PendingWait wait) => $"{wait.InstanceId}/{wait.Activation}/{wait.Assignee}/{wait.Prompt}";

    private PendingWait? Next() => _status is null ? null : HostClient.QuestionsOf(_status).FirstOrDefault(wait => !_closed.Contains(Key(wait)));

    private async Task AskAllAsync(Task before, CancellationToken cancellationToken)
    {
        await before;
        await view.PauseAsync();
        try
        {
            while (!cancellationToken.IsCancellationRequested && Begin(cancellationToken) is var (id, wait, stop))
            {
                try
                {
                    await AskAsync(id, wait, stop.Token, cancellationToken);
                }
                finally
                {
                    lock (_lock)
                    {
                        _current = null;
                        stop.Dispose();
                    }
                }
            }
        }
        finally
        {
            if (!cancellationToken.IsCancellationRequested)
            {
                view.Resume();
            }
        }
    }

    private (string Id, PendingWait Wait, CancellationTokenSource Stop)? Begin(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (Next() is not { } wait)
            {
                _isAsking = false;
                return null;
            }

            _closed.Add(Key(wait));
            var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            _current = (Key(wait), stop);
            return (wait.InstanceId ?? _status!.InstanceId, wait, stop);
        }
    }

    private async Task AskAsync(string id, PendingWait wait, CancellationToken stop, CancellationToken left)
    {
        var later = $"Answer it with: {command} approve {id} --activation {wait.Activation}";
        try
        {
            if (await session.Client.FindApprovalAsync(id, wait.Activation, stop) is not { } question)
            {
                return;
            }

            lines.WriteLine("");
            lines.WriteLine("The run waits for a person. Answer here; Ctrl-D leaves the question open.");
            if (await new AnswerForm(lines).AskAsync(question, stop) is not { } answer)
            {
                lines.WriteLine($"Nothing was sent. {later}");
                return;
            }

            await session.Client.AnswerAsync(id, wait.Activation, answer, left);
            lines.WriteLine($"Answered {wait.Activation}.");
        }
        catch (FormEndedException)
        {
            lines.WriteLine("");
            lines.WriteLine($"Nothing was sent. {later}");
        }
        catch (OperationCanceledException) when (!left.IsCancellationRequested)
        {
            Reopen(wait, onlyIfStopped: true);
            lines.WriteLine("");
            lines.WriteLine($"{wait.Activation} is not asked any more: it was answered elsewhere, its time is over, or the host has ended.");
        }
        catch (OperationCanceledException)
        {
            lines.WriteLine("");
        }
        catch (HostProblemException e)
        {
            lines.WriteLine(Commands.ProblemText.Of(e.Problem));
        }
        catch (HostLostException)
        {
            lines.WriteLine("The host has ended; the answer was not taken.");
            Reopen(wait, onlyIfStopped: false);
        }
    }

    /// <summary>Lets a question be asked again when there is a host that has it.</summary>
    private void Reopen(PendingWait wait, bool onlyIfStopped)
    {
        lock (_lock)
        {
            if (_status is null || !onlyIfStopped)
            {
                _closed.Remove(Key(wait));
                _status = null;
            }
        }
    }
}
