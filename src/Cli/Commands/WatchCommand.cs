using System.CommandLine;
using Polyphony.Cli.Hosting;
using Polyphony.Cli.Output;
using Polyphony.Cli.Sessions;
using Polyphony.Core.Runs;
using Polyphony.Http.Instances;

namespace Polyphony.Cli.Commands;

/// <summary><c>watch</c>: follows a run that a host goes on with, and prints its result. Nothing is set going by it, and leaving it changes nothing.</summary>
internal static class WatchCommand
{
    public static Command Create(CommonOptions common)
    {
        var id = new Argument<string>("ID") { Description = "The instance." };
        var command = new Command("watch", "Follow a run to its end and print its result") { id, common.Json };
        command.SetAction((parsed, _) =>
        {
            var settings = common.Read(parsed);
            return CommandLine.GuardAsync(settings, cancellationToken => RunAsync(settings, parsed.GetValue(id)!, parsed.GetValue(common.Json), cancellationToken));
        });
        return command;
    }

    private static async Task<int> RunAsync(CliSettings settings, string id, bool json, CancellationToken cancellationToken)
    {
        await using var session = await HostSession.OpenAsync(new HostOptions { Settings = settings, Paused = true }, cancellationToken);
        InstanceStatus status;
        try
        {
            await using var view = IProgressView.Create(json);
            status = await new Follower(session, settings, view, lines: null).WatchAsync(id, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync($"Instance {id} continues in the host at {session.Client.Address}.");
            return ExitCodes.NotCompleted;
        }

        await ResultText.PrintAsync(status, json);
        if (status.CompletedTime is null)
        {
            await Console.Error.WriteLineAsync($"No host runs on this data folder, so it does not go on. Continue it with: {settings.Command} up");
        }

        return status.StopReason == StopReason.Completed ? ExitCodes.Completed : ExitCodes.NotCompleted;
    }
}
