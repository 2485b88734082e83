using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Polyphony.Cli.Hosting;
using Polyphony.Cli.Inputs;
using Polyphony.Cli.Output;
using Polyphony.Cli.Sessions;
using Polyphony.Core.Runs;
using Polyphony.Core.Topics;
using Polyphony.Http.Serialization;
using Polyphony.Http.Topics;

namespace Polyphony.Cli.Commands;

/// <summary>The commands of topics: <c>publish</c>, <c>mailboxes</c>, <c>dead-letters</c>.</summary>
internal static class TopicCommands
{
    private const int MaxWait = 60;

    public static void AddTo(RootCommand root, CommonOptions common)
    {
        root.Add(CreatePublish(common));
        root.Add(CreateMailboxes(common));
        root.Add(CreateDeadLetters(common));
    }

    private static Command CreatePublish(CommonOptions common)
    {
        var topic = new Argument<string>("TOPIC") { Description = "The topic type, such as tickets." };
        var source = new Argument<string>("SOURCE") { Description = "The source, such as 4711." };
        var data = new Argument<string[]>("DATA") { Description = "The data: a string, or key=value for an object of strings.", Arity = ArgumentArity.ZeroOrMore };
        var file = new Option<string?>("--input") { Description = "A JSON file that holds the data; key=value overrides it.", HelpName = "FILE" };
        var id = new Option<string?>("--message-id") { Description = "The message's id: the same id is handled once. Default: a new one.", HelpName = "ID" };
        var wait = new Option<int>("--wait") { Description = $"Seconds, 0 to {MaxWait}: wait until the message is handled, and print the answers.", HelpName = "SECONDS" };
        var command = new Command("publish", "Publish a message to a topic") { topic, source, data, file, id, wait, common.Json };
        command.SetAction((parsed, _) =>
        {
            var settings = common.Read(parsed);
            return CommandLine.GuardAsync(settings, async cancellationToken =>
            {
                if (parsed.GetValue(wait) is < 0 or > MaxWait)
                {
                    throw CliException.Invalid($"--wait must be from 0 to {MaxWait} seconds, not {parsed.GetValue(wait)}.");
                }

                var message = new PublishMessage { Data = DataOf(parsed.GetValue(data)!, parsed.GetValue(file)), MessageId = parsed.GetValue(id) };
                await using var session = await HostSession.OpenAsync(new HostOptions { Settings = settings }, cancellationToken);
                var status = await session.Client.PublishAsync(parsed.GetValue(topic)!, parsed.GetValue(source)!, message, parsed.GetValue(wait), cancellationToken);
                await Console.Out.WriteLineAsync(parsed.GetValue(common.Json) ? JsonText.Of(status, HttpJsonContext.Default.MessageStatus) : Text(status));
                await Unfinished.StayAsync(session, cancellationToken);
                return status.Deliveries.Any(delivery => delivery.StopReason is { } reason and not (StopReason.Completed or StopReason.Rejected)) ? ExitCodes.NotCompleted : ExitCodes.Completed;
            });
        });
        return command;
    }

    private static Command CreateMailboxes(CommonOptions common)
    {
        var topic = new Option<string?>("--topic") { Description = "Only those of this topic type.", HelpName = "TYPE" };
        var command = new Command("mailboxes", "List the mailboxes: who has how many messages of which source") { topic, common.Json };
        command.SetAction((parsed, _) =>
        {
            var settings = common.Read(parsed);
            return CommandLine.GuardAsync(settings, async cancellationToken =>
            {
                await using var session = await HostSession.OpenAsync(new HostOptions { Settings = settings, Paused = true }, cancellationToken);
                var mailboxes = await session.Client.MailboxesAsync(parsed.GetValue(topic), cancellationToken);
                await Console.Out.WriteLineAsync(parsed.GetValue(common.Json)
                    ? JsonText.Of(mailboxes, HttpJsonContext.Default.ListMailbox)
                    : mailboxes.Count == 0 ? "No mailbox has had a message yet." : Table(mailboxes));
                return ExitCodes.Completed;
            });
        });
        return command;
    }

    private static Command CreateDeadLetters(CommonOptions common)
    {
        var mailbox = new Argument<string>("MAILBOX") { Description = "The mailbox, as the command mailboxes lists it." };
        var replay = new Option<long?>("--replay") { Description = "Send this one to the mailbox again.", HelpName = "NUMBER" };
        var drop = new Option<long?>("--drop") { Description = "Remove this one for good.", HelpName = "NUMBER" };
        var command = new Command("dead-letters", "List the messages that could not be handled; replay or drop one") { mailbox, replay, drop, common.Json };
        command.SetAction((parsed, _) =>
        {
            var settings = common.Read(parsed);
            var (again, gone) = (parsed.GetValue(replay), parsed.GetValue(drop));
            return CommandLine.GuardAsync(settings, async cancellationToken =>
            {
                if (again is not null && gone is not null)
                {
                    throw CliException.Invalid("Give --replay or --drop, not both.");
                }

                await using var session = await HostSession.OpenAsync(new HostOptions { Settings = settings, Paused = again is null && gone is null }, cancellationToken);
                var id = parsed.GetValue(mailbox)!;
                if ((again ?? gone) is { } number)
                {
                    await session.Client.DeadLetterAsync(id, number, replay: again is not null, cancellationToken);
                    await Console.Error.WriteLineAsync($"{(again is null ? "dropped" : "replayed")}: {number} of {id}");
                    await Unfinished.StayAsync(session, cancellationToken);
                    return ExitCodes.Completed;
                }

                var letters = await session.Client.DeadLettersAsync(id, cancellationToken);
                await Console.Out.WriteLineAsync(parsed.GetValue(common.Json)
                    ? JsonText.Of(letters, HttpJsonContext.Default.ListDeadMessage)
                    : letters.Count == 0 ? "None." : string.Join('\n', letters.Select(Text)));
                return ExitCodes.Completed;
            });
        });
        return command;
    }

    /// <summary>One argument without "=" is a string; otherwise they make an object.</summary>
    private static JsonElement DataOf(string[] data, string? file) => (data, file) switch
    {
        ([], null) => throw CliException.Invalid("There is no data: give a string, key=value, or --input FILE."),
        ([var text], null) when !text.Contains('=', StringComparison.Ordinal) => JsonSerializer.SerializeToElement(text, HttpJsonContext.Default.String),
        _ => InputArguments.Read(data, file, null, "data"),
    };

    private static string Text(MessageStatus status) => string.Join('\n', status.Deliveries.Select(delivery =>
        $"{status.MessageId} -> {delivery.MailboxId}" + (delivery.StopReason is { } reason
            ? $": {StopReasons.Name(reason)}{(delivery.Error is { } error ? $" ({PlainText.Of(error.Message)})" : "")}{(delivery.Output is { } output ? $"\n{PlainText.Of(TextOf(output))}" : "")}"
            : "")));

    private static string Text(DeadMessage letter) =>
        $"{letter.Number}  {letter.MessageId}  {letter.FailedTime:u}  {letter.Attempts} attempts, last {letter.RunId}\n    {PlainText.Of($"{letter.Reason.Code}: {letter.Reason.Message}")}\n    {PlainText.Of(Shorten(letter.Data.GetRawText()))}";

    private static string Table(IReadOnlyList<Mailbox> mailboxes)
    {
        var width = mailboxes.Max(mailbox => mailbox.Id.Length);
        var lines = mailboxes.Select(mailbox => string.Create(
            CultureInfo.InvariantCulture,
            $"{mailbox.Id.PadRight(width)}  {mailbox.Depth,7}  {mailbox.Handled,7}  {mailbox.GivenUp,4}  {Doing(mailbox)}"));
        return string.Join('\n', lines.Prepend($"{"mailbox".PadRight(width)}  waiting  handled  dead  now"));
    }

    private static string Doing(Mailbox mailbox) => mailbox switch
    {
        { RuntimeStatus: Core.Durable.OrchestrationRuntimeStatus.Suspended } => "suspended",
        { Current: { RetryTime: { } retry } waiting } => $"{waiting.MessageId} failed, again at {retry:u}: {PlainText.Of(Shorten(waiting.Error ?? ""))}",
        { Current: { WaitsForPlace: true } waiting } => $"{waiting.RunId}, waits for a place",
        { Current: { } current } => current.RunId,
        _ => "",
    };

    private static string TextOf(JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();

    private static string Shorten(string text) => text.Length > 160 ? text[..160] + "…" : text;
}
