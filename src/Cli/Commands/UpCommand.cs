using System.CommandLine;
using System.Net;
using Polyphony.Cli.Hosting;
using Polyphony.Engine;
using Polyphony.Engine.Storage;

namespace Polyphony.Cli.Commands;

/// <summary><c>up</c>: serves the HTTP API in the foreground.</summary>
internal static class UpCommand
{
    private const int DefaultPort = 7071;

    public static Command Create(CommonOptions common)
    {
        var port = new Option<int>("--port") { Description = "The port; 0 for a free one.", DefaultValueFactory = _ => DefaultPort, HelpName = "PORT" };
        var listen = new Option<string?>("--listen") { Description = "The address to listen on. Default: loopback. Any other demands an API key in $POLYPHONY_API_KEY.", HelpName = "ADDR" };
        var command = new Command("up", "Serve the HTTP API, and continue unfinished runs") { port, listen, common.Workflows, common.Files };
        command.SetAction((parsed, _) =>
        {
            var settings = common.Read(parsed);
            return CommandLine.GuardAsync(settings, cancellationToken => RunAsync(settings, parsed.GetValue(port), parsed.GetValue(listen), cancellationToken));
        });
        return command;
    }

    private static async Task<int> RunAsync(CliSettings settings, int port, string? listen, CancellationToken cancellationToken)
    {
        var options = new HostOptions { Settings = settings, Listen = Address(listen), Port = port, RunSchedules = true, LogToConsole = true };
        if (port is < 0 or > IPEndPoint.MaxPort)
        {
            throw CliException.Invalid($"--port must be 0 to {IPEndPoint.MaxPort}; found {port}.");
        }

        if (!options.LoopbackOnly && options.ApiKey is null)
        {
            throw CliException.Invalid($"Listening on {options.Listen} makes the host reachable from other machines: set an API key in POLYPHONY_API_KEY, or leave --listen out.");
        }

        await using var host = await StartAsync(options, cancellationToken);
        await Console.Error.WriteLineAsync($"""
            Polyphony serves {host.Address}
              API          {host.Address}api/instances   (described at {host.Address}openapi/v1.json)
              workflows    {settings.WorkflowsFolder}
              files        {settings.FilesFolder ?? "none: name a folder with --files or POLYPHONY_FILES"}
              data         {settings.DataFile}{(host.UnfinishedInstances == 0 ? "" : $"   ({host.UnfinishedInstances} unfinished, going on)")}
              log          {settings.LogFile}
            Ctrl-C stops it; unfinished runs continue at the next start.
            """);

        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using (cancellationToken.Register(stopped.SetResult))
        {
            if (await Task.WhenAny(stopped.Task, host.Completion) == host.Completion)
            {
                var cause = host.Completion.Exception?.GetBaseException();
                throw CliException.Host(cause is DataFileException ? cause.Message
                    : $"The engine has stopped: {cause?.Message ?? "no reason is known"} What was committed is safe; {settings.LogFile} has the details.");
            }
        }

        await Console.Error.WriteLineAsync("Stopping …");
        return ExitCodes.Completed;
    }

    private static async Task<EmbeddedHost> StartAsync(HostOptions options, CancellationToken cancellationToken)
    {
        try
        {
            return await EmbeddedHost.StartAsync(options, cancellationToken);
        }
        catch (DataFolderInUseException e)
        {
            throw CliException.Host(e.Message, e);
        }
    }

    private static IPAddress Address(string? listen) => listen switch
    {
        null or "localhost" => IPAddress.Loopback,
        "*" => IPAddress.Any,
        _ when IPAddress.TryParse(listen, out var address) => address,
        _ => throw CliException.Invalid($"--listen must be an IP address such as 0.0.0.0; found \"{listen}\"."),
    };
}
