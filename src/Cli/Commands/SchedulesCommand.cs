using System.CommandLine;
using System.Globalization;
using Polyphony.Cli.Hosting;
using Polyphony.Cli.Output;
using Polyphony.Cli.Sessions;
using Polyphony.Core.Client;
using Polyphony.Core.Definitions;
using Polyphony.Http.Schedules;
using Polyphony.Http.Serialization;

namespace Polyphony.Cli.Commands;

/// <summary><c>schedules</c>: lists the schedules of the workflows, pauses and resumes them.</summary>
internal static class SchedulesCommand
{
    private const string Time = "yyyy-MM-dd HH:mm:ss";

    public static Command Create(CommonOptions common)
    {
        var command = new Command("schedules", "List the schedules of the workflows, with what is due next and what was started last") { common.Json, common.Workflows };
        command.SetAction((parsed, _) =>
        {
            var settings = common.Read(parsed);
            return CommandLine.GuardAsync(settings, cancellationToken => ListAsync(settings, parsed.GetValue(common.Json), cancellationToken));
        });
        command.Add(CreateAction(common, "pause", "Start nothing of a schedule until it is resumed"));
        command.Add(CreateAction(common, "resume", "Let a paused schedule go on with its next due time"));
        return command;
    }

    private static Command CreateAction(CommonOptions common, string name, string description)
    {
        var workflow = new Argument<string>("WORKFLOW") { Description = "The workflow." };
        var schedule = new Argument<string>("NAME") { Description = "The schedule, if the workflow has several.", DefaultValueFactory = _ => ScheduleDefinition.DefaultName };
        var command = new Command(name, description) { workflow, schedule, common.Workflows };
        command.SetAction((parsed, _) =>
        {
            var settings = common.Read(parsed);
            return CommandLine.GuardAsync(settings, async cancellationToken =>
            {
                await using var session = await HostSession.OpenAsync(new HostOptions { Settings = settings }, cancellationToken);
                await session.Client.ActOnScheduleAsync(parsed.GetValue(workflow)!, parsed.GetValue(schedule)!, name, cancellationToken);
                await Console.Error.WriteLineAsync($"{name}: {parsed.GetValue(workflow)} {parsed.GetValue(schedule)}");
                return ExitCodes.Completed;
            });
        });
        return command;
    }

    private static async Task<int> ListAsync(CliSettings settings, bool json, CancellationToken cancellationToken)
    {
        // Looking must not set anything going, so without a host the data is opened with everything standing still.
        await using var session = await HostSession.OpenAsync(new HostOptions { Settings = settings, Paused = true }, cancellationToken);
        var schedules = await session.Client.SchedulesAsync(cancellationToken);
        await Console.Out.WriteLineAsync(json ? JsonText.Of(schedules, HttpJsonContext.Default.ListScheduleSummary) : List(schedules));
        if (!json && session.Own is not null && schedules.Count > 0)
        {
            await Console.Error.WriteLineAsync($"No host runs on this data folder, so nothing is started. Start one with: {settings.Command} up");
        }

        return ExitCodes.Completed;
    }

    private static string List(List<ScheduleSummary> schedules)
    {
        if (schedules.Count == 0)
        {
            return "No workflow has a schedule.";
        }

        string[] heads = ["workflow", "schedule", "cron", "time zone", "catch up", "status", "next due (UTC)", "last due (UTC)", "started"];
        List<string[]> rows = [heads, .. schedules.Select(Cells)];
        var widths = heads.Select((_, column) => rows.Max(row => row[column].Length)).ToArray();
        var lines = rows.Select(row => string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
        var errors = schedules.Where(schedule => schedule.Error is not null).Select(schedule => $"{schedule.Workflow} {schedule.Name}: {schedule.Error!.Message} [{schedule.Error.Code}]");
        return string.Join(Environment.NewLine, lines.Concat(errors));
    }

    private static string[] Cells(ScheduleSummary schedule) =>
    [
        schedule.Workflow, schedule.Name, schedule.Cron, schedule.TimeZone, schedule.CatchUp, Name(schedule.Status), Text(schedule.NextDue), Text(schedule.LastDue), schedule.LastInstanceId ?? "",
    ];

    private static string Name(ScheduleStatus status) => status.ToString().ToLowerInvariant();

    private static string Text(DateTimeOffset? time) => time?.UtcDateTime.ToString(Time, CultureInfo.InvariantCulture) ?? "";
}
