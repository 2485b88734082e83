using System.CommandLine;
using System.Globalization;
using Polyphony.Cli.Hosting;
using Polyphony.Cli.Inputs;
using Polyphony.Cli.Output;
using Polyphony.Cli.Sessions;
using Polyphony.Core.Runs;
using Polyphony.Http.Instances;
using Polyphony.Http.Serialization;

namespace Polyphony.Cli.Commands;

/// <summary><c>status</c>: lists instances, or shows one. Nothing is set going by it.</summary>
internal static class StatusCommand
{
    private const int UsuallyListed = 100;
    private const int LargestPage = 1_000;

    public static Command Create(CommonOptions common)
    {
        var id = new Argument<string?>("ID") { Description = "The instance; without it the newest are listed.", Arity = ArgumentArity.ZeroOrOne };
        var filters = new ListFilters();
        var limit = new Option<int?>("--limit") { Description = $"How many are listed, the newest. Default: {UsuallyListed}; with --json, all.", HelpName = "NUMBER" };
        var command = new Command("status", "List the runs, or show one") { id, limit, common.Json };
        foreach (var option in filters.Options)
        {
            command.Options.Add(option);
        }

        command.Validators.Add(result =>
        {
            var given = filters.Options.Append(limit).Where(option => result.GetResult(option) is { Implicit: false }).Select(option => option.Name).ToList();
            if (result.GetValue(id) is not null && given.Count > 0)
            {
                result.AddError($"{string.Join(", ", given)}: for lists only, not with the ID of a run.");
            }

            if (result.GetResult(limit) is { Errors: var errors } && !errors.Any() && result.GetValue(limit) is < 1)
            {
                result.AddError("--limit must be a whole number from 1.");
            }
        });
        command.SetAction((parsed, _) =>
        {
            var settings = common.Read(parsed);
            return CommandLine.GuardAsync(settings, cancellationToken =>
                RunAsync(settings, parsed.GetValue(id), filters.Query(parsed, TimeProvider.System.GetUtcNow()), parsed.GetValue(limit), parsed.GetValue(common.Json), cancellationToken));
        });
        return command;
    }

    private static async Task<int> RunAsync(CliSettings settings, string? id, string query, int? limit, bool json, CancellationToken cancellationToken)
    {
        if (!File.Exists(settings.DataFile))
        {
            return id is null && !json
                ? await NothingYetAsync(settings)
                : throw CliException.Invalid($"There is no data in \"{settings.DataFolder}\" yet. Run something first, or name another folder with --data.");
        }

        // Looking must not set anything going, so without a host the data is opened with everything standing still.
        await using var session = await HostSession.OpenAsync(new HostOptions { Settings = settings, Paused = true }, cancellationToken);
        if (id is not null)
        {
            await ShowAsync(session, await session.Client.GetAsync(id, "showOutcomes=true", cancellationToken), json, settings, cancellationToken);
            return ExitCodes.Completed;
        }

        var most = limit ?? (json ? int.MaxValue : UsuallyListed);
        var statuses = new List<InstanceStatus>();
        var page = string.Create(CultureInfo.InvariantCulture, $"{query}&top={Math.Min(most, LargestPage)}");
        var more = false;
        await foreach (var status in session.Client.ListAsync(page, cancellationToken))
        {
            if (more = statuses.Count == most)
            {
                break;
            }

            statuses.Add(status);
        }

        await Console.Out.WriteLineAsync(json ? JsonText.Of(statuses, HttpJsonContext.Default.ListInstanceStatus) : List(statuses, query.Length > 0));
        if (more && !json)
        {
            await Console.Out.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"These are the newest {most}; --limit lists more."));
        }

        return ExitCodes.Completed;
    }

    private static async Task<int> NothingYetAsync(CliSettings settings)
    {
        await Console.Out.WriteLineAsync($"No runs in {settings.DataFolder} yet. Start one with: {settings.Command} run");
        return ExitCodes.Completed;
    }

    private static string List(List<InstanceStatus> statuses, bool filtered)
    {
        if (statuses.Count == 0)
        {
            return filtered ? "No such runs." : "No runs yet.";
        }

        var width = Math.Max("instance".Length, statuses.Max(status => status.InstanceId.Length));
        var name = Math.Max("workflow".Length, statuses.Max(status => status.Name.Length));
        var lines = statuses.Select(status => string.Create(
            CultureInfo.InvariantCulture,
            $"{status.InstanceId.PadRight(width)}  {status.Name.PadRight(name)}  {Ending(status),-12}  {status.CreatedTime:yyyy-MM-dd HH:mm:ss}  {Progress(status)}{Tags(status)}").TrimEnd());
        return string.Join(Environment.NewLine, lines.Prepend($"{"instance".PadRight(width)}  {"workflow".PadRight(name)}  {"status",-12}  {"started (UTC)",-19}  progress"));
    }

    private static string Tags(InstanceStatus status) => status.Tags is null ? "" : $"  {TagText(status.Tags)}";

    private static string TagLine(InstanceStatus status) => status.Tags is null ? "" : $"{Environment.NewLine}tags: {TagText(status.Tags)}";

    private static string TagText(IReadOnlyDictionary<string, string> tags) => PlainText.Line(string.Join(", ", tags.OrderBy(tag => tag.Key, StringComparer.Ordinal).Select(tag => $"{tag.Key}={tag.Value}")));

    private static string Ending(InstanceStatus status) => status.StopReason is { } reason ? ResultText.Name(reason)
        : status.CustomStatus is { } progress && (progress.WaitingFor.Count > 0 || progress.Nodes.Any(node => node.WaitingUntil is not null)) ? "waiting" : status.RuntimeStatus.ToString().ToLowerInvariant();

    private static string What(PendingWait wait) => wait.Kind switch
    {
        "timer" => $"{wait.Until:u}",
        "lock" => $"the lock {PlainText.Line(wait.Lock!)}{(wait.Holder is null ? "" : $", held by {wait.Holder}")}{(wait.Position is { } place ? string.Create(CultureInfo.InvariantCulture, $", place {place} in the queue") : "")}",
        "place" => string.Create(CultureInfo.InvariantCulture, $"a place among those that handle messages{(wait.Position is { } number ? $", number {number} in the queue" : "")}"),
        _ => $"the event {wait.EventName}",
    };

    private static string Progress(InstanceStatus status) => status.CustomStatus is not { } progress ? ""
        : $"{progress.Done}/{progress.Total} nodes{(ResultText.IsOffline(status) ? $", {NodeText.OfflineModel}" : "")}";

    private static async Task ShowAsync(HostSession session, InstanceStatus status, bool json, CliSettings settings, CancellationToken cancellationToken)
    {
        if (json)
        {
            await Console.Out.WriteLineAsync(JsonText.Of(status, HttpJsonContext.Default.InstanceStatus));
            return;
        }

        await Console.Out.WriteLineAsync($"{status.Name} {status.InstanceId}, started {status.CreatedTime:u}{TagLine(status)}");
        new LineView(Console.Out, TimeProvider.System).Show(status);
        foreach (var wait in status.CustomStatus?.WaitingFor ?? [])
        {
            var prompt = await session.Client.PromptAsync(status.InstanceId, wait, cancellationToken);
            await Console.Out.WriteLineAsync($"waits: {(wait.Activation.Length == 0 ? "the run" : wait.Activation)} for {What(wait)}{(prompt is null ? "" : $": {prompt.TrimEnd()}")}");
        }

        if (status.CustomStatus is { MoreWaiting: > 0 and var more })
        {
            await Console.Out.WriteLineAsync($"waits: for {more} more, shown as these end");
        }

        foreach (var value in status.State is { ValueKind: System.Text.Json.JsonValueKind.Object } state ? state.EnumerateObject() : default)
        {
            await Console.Out.WriteLineAsync($"state.{value.Name}: {ShortText(value.Value)}");
        }

        await Console.Out.WriteLineAsync(ResultText.Summary(status));
        foreach (var part in status.Unreadable ?? [])
        {
            await Console.Out.WriteLineAsync($"Its {part.Part} cannot be shown: {part.Message} [{part.Code}]");
        }

        if (session.Own is not null && status.StopReason is null)
        {
            await Console.Out.WriteLineAsync($"No host runs on this data folder. Continue it with: {settings.Command} up");
        }

        if (status.Output is { } output)
        {
            await Console.Out.WriteLineAsync();
            await Console.Out.WriteLineAsync(output.ValueKind == System.Text.Json.JsonValueKind.String ? output.GetString() : JsonText.Of(output));
        }
    }

    private static string ShortText(System.Text.Json.JsonElement value)
    {
        const int Most = 200;
        var text = PlainText.Line(value.GetRawText());
        return text.Length <= Most ? text : text[..Most] + "… (shortened)";
    }
}
