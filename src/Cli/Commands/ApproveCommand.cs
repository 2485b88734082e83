using System.CommandLine;
using System.Text.Json;
using Polyphony.Cli.Hosting;
using Polyphony.Cli.Inputs;
using Polyphony.Cli.Output;
using Polyphony.Cli.Questions;
using Polyphony.Cli.Sessions;
using Polyphony.Core.Json;
using Polyphony.Core.Runs;
using Polyphony.Expressions.Schemas;
using Polyphony.Http.Approvals;

namespace Polyphony.Cli.Commands;

/// <summary><c>approve</c>: answers the question that an instance waits to have answered by a person.</summary>
internal static class ApproveCommand
{
    public static Command Create(CommonOptions common)
    {
        var id = new Argument<string>("ID") { Description = "The instance that asks." };
        var values = new Argument<string[]>("key=value") { Description = "The answer, read by the types of its schema; or one JSON value. Without it, a terminal is asked field by field.", Arity = ArgumentArity.ZeroOrMore };
        var activation = new Option<string?>("--activation") { Description = "Which question, if there are several.", HelpName = "NAME" };
        var command = new Command("approve", "Answer the question that a run asks a person") { id, values, activation };
        command.SetAction((parsed, _) =>
        {
            var settings = common.Read(parsed);
            return CommandLine.GuardAsync(settings, cancellationToken =>
                RunAsync(settings, parsed.GetValue(id)!, parsed.GetValue(values) ?? [], parsed.GetValue(activation), TerminalLines.Find(), cancellationToken));
        });
        return command;
    }

    /// <summary>Answers a question with what was given, or asks a person for it.</summary>
    /// <param name="settings">Where things lie.</param>
    /// <param name="id">The instance.</param>
    /// <param name="values">The answer; empty to ask for it.</param>
    /// <param name="activation">Which question; <see langword="null"/> for the only one.</param>
    /// <param name="lines">Where to ask; <see langword="null"/> if nobody can be asked.</param>
    /// <param name="cancellationToken">Stops it; then nothing is sent.</param>
    internal static async Task<int> RunAsync(CliSettings settings, string id, string[] values, string? activation, ILines? lines, CancellationToken cancellationToken)
    {
        await using var session = await HostSession.OpenAsync(new HostOptions { Settings = settings }, cancellationToken);
        var status = await session.Client.GetAsync(id, "showInput=false", cancellationToken);
        var waits = HostClient.QuestionsOf(status).ToList();
        var more = status.CustomStatus?.MoreWaiting ?? 0;
        var asks = values.Length == 0 ? lines : null;
        string chosen;
        JsonElement? answer;
        try
        {
            chosen = await QuestionAsync(settings, id, activation, waits, more, asks, cancellationToken);
            var asked = await session.Client.FindApprovalAsync(Asking(id, waits, chosen), chosen, cancellationToken);
            answer = values.Length > 0 ? Answer(chosen, asked?.Schema, values) : await AskAsync(settings, id, asked ?? throw DoesNotWait(settings, id, chosen), asks, cancellationToken);
        }
        catch (FormEndedException)
        {
            await Console.Error.WriteLineAsync();
            answer = null;
            chosen = "";
        }
        catch (OperationCanceledException) when (asks is not null)
        {
            await Console.Error.WriteLineAsync();
            await NothingAsync();
            throw;
        }

        if (answer is not { } given)
        {
            return await NothingAsync();
        }

        await session.Client.AnswerAsync(Asking(id, waits, chosen), chosen, given, cancellationToken);
        await Console.Error.WriteLineAsync($"Answered {chosen} of {id}.");
        await Unfinished.StayAsync(session, cancellationToken);
        return ExitCodes.Completed;
    }

    /// <summary>Finds which question is to be answered: the one that was named, the only one, or the one that a person chooses.</summary>
    private static async Task<string> QuestionAsync(
        CliSettings settings, string id, string? activation, List<PendingWait> waits, int more, ILines? asks, CancellationToken cancellationToken)
    {
        var chosen = activation ?? (waits is [var only] && more == 0 ? only.Activation
            : waits.Count > 0 && asks is not null ? await ChooseAsync(id, waits, more, asks, cancellationToken)
            : throw Unclear(settings, id, waits, more));
        return more > 0 || waits.Exists(wait => wait.Activation == chosen) ? chosen : throw DoesNotWait(settings, id, chosen);
    }

    private static async Task<JsonElement?> AskAsync(CliSettings settings, string id, Approval asked, ILines? asks, CancellationToken cancellationToken) =>
        asks is null ? throw CliException.Invalid(Fields(settings, id, asked)) : await new AnswerForm(asks).AskAsync(asked, cancellationToken);

    private static string Asking(string id, List<PendingWait> waits, string chosen) => waits.Find(wait => wait.Activation == chosen)?.InstanceId ?? id;

    private static async Task<int> NothingAsync()
    {
        await Console.Error.WriteLineAsync("Nothing was sent.");
        return ExitCodes.NotCompleted;
    }

    private static CliException DoesNotWait(CliSettings settings, string id, string activation) =>
        CliException.Invalid($"Instance \"{id}\", activation \"{activation}\", does not wait for a person. See: {settings.Command} status {id}");

    private static CliException Unclear(CliSettings settings, string id, List<PendingWait> waits, int more) => CliException.Invalid(waits.Count == 0
        ? $"Instance \"{id}\" does not wait for a person. See: {settings.Command} status {id}"
        : $"Instance \"{id}\" asks several questions; choose one with --activation: {string.Join(", ", waits.Select(wait => wait.Activation))}{(more > 0 ? $" and {more} more" : "")}.");

    private static Task<string> ChooseAsync(string id, List<PendingWait> waits, int more, ILines lines, CancellationToken cancellationToken)
    {
        const int Most = 80;
        lines.WriteLine($"Instance \"{id}\" asks several questions{(more > 0 ? $"; {more} more can be chosen with --activation" : "")}.");
        var choices = waits.ConvertAll(wait =>
        {
            var prompt = PlainText.Line(wait.Prompt?.Trim() ?? "");
            return (wait.Activation, (string?)(prompt.Length <= Most ? prompt : $"{prompt[..Most]}…"));
        });
        return new FieldPrompt(lines).ChooseAsync("Which one?", choices, null, cancellationToken);
    }

    /// <summary>Says what the answer takes, to those who cannot be asked.</summary>
    private static string Fields(CliSettings settings, string id, Approval asked)
    {
        var form = asked.Schema is { } json && JsonSchema.TryParse(json, out var schema, out _) ? schema.Field : null;
        var call = $"{settings.Command} approve {id} --activation {asked.Activation}";
        string[] lines = form is { Members.Count: > 0 }
            ? [$"Give the answer to {asked.Activation} as key=value, or as one JSON value; there is no terminal to ask on. It takes:", .. FieldText.Arguments(form), $"Such as: {call} {PlainText.Line(form.Members[0].Name)}=…"]
            : [$"Give the answer to {asked.Activation} as one JSON value ({(form is null ? "any" : FieldText.Type(form))}); there is no terminal to ask on.", $"Such as: {call} JSON"];
        return string.Join(Environment.NewLine, lines);
    }

    private static JsonElement Answer(string activation, JsonElement? asked, string[] values)
    {
        var schema = asked is { } json && JsonSchema.TryParse(json, out var parsed, out _) ? parsed : null;
        if (values is [var single] && !single.Contains('=', StringComparison.Ordinal))
        {
            try
            {
                return StrictJson.Parse(single);
            }
            catch (InvalidJsonException e) when (e.IsSyntax)
            {
                throw CliException.Invalid($"\"{single}\" is neither key=value nor JSON; a string is written with quotes, '\"{single}\"'.");
            }
        }

        return InputArguments.Read(values, null, schema, $"answer to {activation}");
    }
}
