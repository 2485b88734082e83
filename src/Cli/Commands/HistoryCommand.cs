using System.CommandLine;
using System.Text.Json.Nodes;
using Polyphony.Cli.Hosting;
using Polyphony.Cli.Output;
using Polyphony.Cli.Sessions;
using Polyphony.Http.Serialization;

namespace Polyphony.Cli.Commands;

/// <summary><c>history</c>: prints what happened to an instance.</summary>
internal static class HistoryCommand
{
    public static Command Create(CommonOptions common)
    {
        var id = new Argument<string>("ID") { Description = "The instance." };
        var command = new Command("history", "Print the history of a run, oldest first") { id, common.Json };
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
        var history = await session.Client.HistoryAsync(id, cancellationToken);
        if (json)
        {
            await Console.Out.WriteLineAsync(JsonText.Of(history, HttpJsonContext.Default.InstanceHistory));
            return ExitCodes.Completed;
        }

        foreach (var each in history.Events)
        {
            await Console.Out.WriteLineAsync($"{Text(each, "sequence"),6}  {Text(each, "timestamp"),-33}  {Text(each, "type"),-26}  {Text(each, "taskId"),4}  {Text(each, "name")}{Text(each["failureDetails"], "errorMessage")}".TrimEnd());
        }

        return ExitCodes.Completed;
    }

    private static string Text(JsonNode? json, string name) => PlainText.Line(json?[name]?.ToString() ?? "");
}
