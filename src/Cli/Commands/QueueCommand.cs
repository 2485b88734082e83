using System.CommandLine;
using System.Globalization;
using Polyphony.Cli.Hosting;
using Polyphony.Cli.Output;
using Polyphony.Cli.Sessions;
using Polyphony.Core.Client;
using Polyphony.Http.Serialization;

namespace Polyphony.Cli.Commands;

/// <summary><c>queue</c>: how many runs are unfinished, what they wait for, and the limits. Nothing is set going by it.</summary>
internal static class QueueCommand
{
    public static Command Create(CommonOptions common)
    {
        var command = new Command("queue", "Show how many runs are unfinished, what they wait for, and the limits") { common.Json };
        command.SetAction((parsed, _) =>
        {
            var settings = common.Read(parsed);
            return CommandLine.GuardAsync(settings, cancellationToken => RunAsync(settings, parsed.GetValue(common.Json), cancellationToken));
        });
        return command;
    }

    internal static string Text(QueueStatus queue, DateTimeOffset now)
    {
        var atLeast = queue.IsComplete ? "" : "at least ";
        List<string> lines = [$"{atLeast}{Number(queue.Unfinished)} unfinished{(queue.Oldest is { } oldest ? $", the oldest for {Duration(TimeSpan.FromSeconds(oldest.AgeSeconds))}: {oldest.InstanceId}" : "")}"];
        lines.Add(queue.Limit is { } limit ? $"counted for the limit of {Number(limit)}: {atLeast}{Number(queue.Admitted)}" : $"counted for a limit, of which there is none: {atLeast}{Number(queue.Admitted)}");
        if (queue.Unfinished > 0)
        {
            lines.Add("");
            lines.AddRange(States(queue));
        }

        AddTable(lines, ["workflow", "unfinished", "limit"], queue.Workflows.Select(each => new[] { each.Workflow, Number(each.Unfinished), each.Limit is { } own ? Number(own) : "" }));
        AddTable(
            lines,
            ["deployment", "requests/min", "limit", "tokens/min", "limit", "throttled", "paused for"],
            queue.Deployments.Select(each => new[]
            {
                PlainText.Line($"{each.Provider} {each.Model}{(each.Endpoint is null ? "" : $" at {each.Endpoint}")}"),
                Number(each.RequestsLastMinute), each.RequestsPerMinute is { } requests ? Number(requests) : "",
                Number(each.TokensLastMinute), each.TokensPerMinute is { } tokens ? Number(tokens) : "",
                Number(each.Throttled), Held(each, now),
            }));
        if (queue.Mailboxes is { Messages: > 0 } waiting)
        {
            lines.Add("");
            lines.Add($"{(waiting.IsComplete ? "" : "at least ")}{Number(waiting.Messages)} messages in {Number(waiting.Mailboxes)} mailboxes{(waiting.OldestTime is { } time ? $", the oldest for {Duration(now - time)}" : "")}");
        }

        return string.Join(Environment.NewLine, lines);
    }

    private static async Task<int> RunAsync(CliSettings settings, bool json, CancellationToken cancellationToken)
    {
        // Looking must not set anything going, so without a host the data is opened with everything standing still.
        await using var session = await HostSession.OpenAsync(new HostOptions { Settings = settings, Paused = true }, cancellationToken);
        var queue = await session.Client.QueueAsync(cancellationToken);
        await Console.Out.WriteLineAsync(json ? JsonText.Of(queue, HttpJsonContext.Default.QueueStatus) : Text(queue, TimeProvider.System.GetUtcNow()));
        if (!json && session.Own is not null && queue.Unfinished > 0)
        {
            await Console.Error.WriteLineAsync($"No host runs on this data folder, so nothing goes on. Start one with: {settings.Command} up");
        }

        return ExitCodes.Completed;
    }

    private static IEnumerable<string> States(QueueStatus queue)
    {
        var states = queue.States;
        (string Name, int Count)[] rows =
        [
            ("running", states.Running), ("pending", states.Pending), ("throttled by a model", states.Throttled), ("waiting for people", states.WaitingForPeople),
            ("waiting for events", states.WaitingForEvents), ("waiting for locks", states.WaitingForLocks), ("waiting for times", states.WaitingForTimers), ("suspended", states.Suspended),
        ];
        var lines = rows.Select(row => string.Create(CultureInfo.InvariantCulture, $"{Number(row.Count),9}  {row.Name}"));
        return queue.Examined < queue.Unfinished ? lines.Append($"of the {Number(queue.Examined)} oldest") : lines;
    }

    private static string Held(DeploymentUse use, DateTimeOffset now) =>
        use.PausedUntil is { } until && until > now ? Duration(until - now)
        : use.FailingUntil is not { } failing ? ""
        : failing > now ? $"fails, {Duration(failing - now)}"
        : "fails, is tried";

    private static void AddTable(List<string> lines, string[] heads, IEnumerable<string[]> rows)
    {
        if (TextTable.Lines(heads, rows) is { Count: > 0 } table)
        {
            lines.Add("");
            lines.AddRange(table);
        }
    }

    private static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    private static string Duration(TimeSpan time) => time switch
    {
        { TotalSeconds: < 100 } => string.Create(CultureInfo.InvariantCulture, $"{Math.Max(0, time.TotalSeconds):0} s"),
        { TotalMinutes: < 100 } => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMinutes:0} min"),
        { TotalHours: < 48 } => string.Create(CultureInfo.InvariantCulture, $"{time.TotalHours:0} h"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{time.TotalDays:0} d"),
    };
}
