using Polyphony.Cli.Output;
using Polyphony.Cli.Questions;
using Polyphony.Cli.Sessions;
using Polyphony.Core.Durable;
using Polyphony.Core.Runs;
using Polyphony.Http.Instances;
using Polyphony.Http.Problems;

namespace Polyphony.Cli.Commands;

/// <summary>Follows an instance to its end, through the loss of hosts.</summary>
/// <param name="session">The host.</param>
/// <param name="settings">How users call this tool.</param>
/// <param name="view">Where progress is shown.</param>
/// <param name="lines">Where people are asked; <see langword="null"/> if nobody can be asked here.</param>
internal sealed class Follower(HostSession session, CliSettings settings, IProgressView view, ILines? lines)
{
    private readonly InPlaceQuestions? _questions = lines is null ? null : new InPlaceQuestions(session, view, lines, settings.Command);
    private readonly HashSet<string> _asked = new(StringComparer.Ordinal);
    private bool _saidSuspended;

    /// <summary>Gets a value indicating whether a person was asked something that was not answered when the run was last looked at.</summary>
    public bool WaitsForPerson { get; private set; }

    /// <summary>Starts an instance and follows it. If the host ends, this process takes over.</summary>
    /// <param name="start">What to start; with an id, so that it is not started twice.</param>
    /// <param name="cancellationToken">Leaves it.</param>
    /// <returns>How it ended, with outcomes.</returns>
    public async Task<InstanceStatus> RunAsync(StartDefinition start, CancellationToken cancellationToken)
    {
        var started = false;
        while (true)
        {
            try
            {
                if (!started)
                {
                    await StartAsync(start, cancellationToken);
                    started = true;
                }

                return await FollowAsync(start.InstanceId!, cancellationToken);
            }
            catch (HostLostException)
            {
                await ReconnectAsync("The host has ended; this process has taken over.", cancellationToken);
            }
        }
    }

    /// <summary>Follows an instance that a host runs, for as long as one does.</summary>
    /// <param name="id">The instance.</param>
    /// <param name="cancellationToken">Leaves it.</param>
    /// <returns>How it ended, with outcomes; or what it is at when no host runs.</returns>
    public async Task<InstanceStatus> WatchAsync(string id, CancellationToken cancellationToken)
    {
        while (session.Own is null)
        {
            try
            {
                return await FollowAsync(id, cancellationToken);
            }
            catch (HostLostException)
            {
                await ReconnectAsync("The host has ended.", cancellationToken);
            }
        }

        return await session.Client.GetAsync(id, "showOutcomes=true", cancellationToken);
    }

    private async Task ReconnectAsync(string alone, CancellationToken cancellationToken)
    {
        await session.ReconnectAsync(cancellationToken);
        view.Say(session.Own is null ? $"The host has ended; continuing with the one at {session.Client.Address}." : alone);
    }

    private async Task<InstanceStatus> FollowAsync(string id, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (var status in session.Client.FollowAsync(id, cancellationToken))
            {
                await ShowAsync(status, cancellationToken);
            }
        }
        finally
        {
            await (_questions?.StopAsync() ?? Task.CompletedTask);
        }

        return await session.Client.GetAsync(id, "showOutcomes=true", cancellationToken);
    }

    private async Task StartAsync(StartDefinition start, CancellationToken cancellationToken)
    {
        try
        {
            await session.Client.StartAsync(start, cancellationToken);
        }
        catch (HostProblemException e) when (e.Problem.Code == "instance_exists")
        {
            // The host that was lost had taken the start.
        }
        catch (HostProblemException e) when (e.Problem.Code == ProblemCodes.InlineDefinitionsDisabled)
        {
            throw CliException.Host($"The host at {session.Client.Address} can be reached from other machines, so it takes no files. Put the file into its workflows folder, or use another data folder (--data).");
        }
    }

    private async Task ShowAsync(InstanceStatus status, CancellationToken cancellationToken)
    {
        view.Show(status);
        WaitsForPerson = HostClient.QuestionsOf(status).Any();
        _questions?.Show(status, cancellationToken);
        foreach (var wait in status.CustomStatus?.WaitingFor ?? [])
        {
            var name = $"{wait.Activation}/{wait.Assignee}";
            if (wait.Kind == "human" && _questions is null && !_asked.Contains(name))
            {
                // Read first: when the host is lost, the question is put again.
                view.Say(Question(status.InstanceId, wait, await session.Client.PromptAsync(status.InstanceId, wait, cancellationToken)));
                _asked.Add(name);
            }
            else if (wait.Kind == "lock" && _asked.Add($"{wait.Activation}/{wait.Lock}"))
            {
                view.Say($"{wait.Activation} waits for the lock {PlainText.Line(wait.Lock!)}{(wait.Holder is null ? "" : $", held by {wait.Holder}")}.");
            }
            else if (wait.Kind == "event" && _asked.Add(wait.Activation))
            {
                view.Say($"{wait.Activation} waits for the event {wait.EventName}. Send it with: {settings.Command} raise {status.InstanceId} {wait.EventName} JSON");
            }
        }

        var suspended = status.RuntimeStatus == OrchestrationRuntimeStatus.Suspended;
        if (suspended && !_saidSuspended)
        {
            view.Say($"Suspended{(status.Error is null ? "" : $": {status.Error.Message}")}. Resume it with: {settings.Command} resume {status.InstanceId}");
        }

        _saidSuspended = suspended;
    }

    private string Question(string id, PendingWait wait, string? prompt)
    {
        id = wait.InstanceId ?? id;
        var address = $"{session.Client.Address}api/instances/{Uri.EscapeDataString(id)}/events/{Uri.EscapeDataString(wait.EventName!)}";
        return $"""
            {wait.Activation} asks{(wait.Assignee is null ? "" : $" {wait.Assignee}")}{(wait.Until is { } until ? $" (until {until:u})" : "")}:
              {prompt?.TrimEnd().ReplaceLineEndings($"{Environment.NewLine}  ")}
            Answer from another terminal: {settings.Command} approve {id}{(wait.Tool is null ? "" : $" --activation {wait.Activation}")} key=value …
                                      or: curl -X POST -H "Content-Type: application/json" -d JSON {address}
            """;
    }
}
