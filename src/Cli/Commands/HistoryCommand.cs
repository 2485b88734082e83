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
        var raw = new Option<bool>("--raw") { Description = "Print the events as the engine keeps them." };
        var command = new Command("history", "Print what happened to a run, oldest first") { id, raw, common.Json };
        command.SetAction((parsed, _) =>
        {
            var settings = common.Read(parsed);
            return CommandLine.GuardAsync(settings, cancellationToken => RunAsync(settings, parsed.GetValue(id)!, parsed.GetValue(raw), parsed.GetValue(common.Json), cancellationToken));
        });
        return command;
    }

    private static async Task<int> RunAsync(CliSettings settings, string id, bool raw, bool json, CancellationToken cancellationToken)
    {
        await using var session = await HostSession.OpenAsync(new HostOptions { Settings = settings, Paused = true }, cancellationToken);
        if (raw)
        {
            var history = await session.Client.HistoryAsync(id, cancellationToken);
            await WriteAsync(json ? [JsonText.Of(history, HttpJsonContext.Default.InstanceHistory)] : history.Events.Select(Line));
            return ExitCodes.Completed;
        }

        var timeline = await session.Client.TimelineAsync(id, cancellationToken);
        await WriteAsync(json ? [JsonText.Of(timeline, HttpJsonContext.Default.InstanceTimeline)] : TimelineText.Lines(timeline.Steps));
        return ExitCodes.Completed;
    }

    private static async Task WriteAsync(IEnumerable<string> lines)
    {
        foreach (var line in lines)
        {
            await Console.Out.WriteLineAsync(line);
        }
    }

    private static string Line(JsonObject each) =>
        $"{Text(each, "sequence"),6}  {Text(each, "timestamp"),-33}  {Text(each, "type"),-26}  {Text(each, "taskId"),4}  {Text(each, "name")}{Text(each["failureDetails"], "errorMessage")}".TrimEnd();

    private static string Text(JsonNode? json, string name) => PlainText.Line(json?[name]?.ToString() ?? "");
}
