using System.CommandLine;
using System.Text.Json;
using Polyphony.Cli.Hosting;
using Polyphony.Cli.Inputs;
using Polyphony.Cli.Sessions;
using Polyphony.Core.Json;
using Polyphony.Core.Runs;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Cli.Commands;

/// <summary><c>approve</c>: answers the question that an instance waits to have answered by a person.</summary>
internal static class ApproveCommand
{
    public static Command Create(CommonOptions common)
    {
        var id = new Argument<string>("ID") { Description = "The instance that asks." };
        var values = new Argument<string[]>("key=value") { Description = "The answer, read by the types of its schema; or one JSON value.", Arity = ArgumentArity.ZeroOrMore };
        var activation = new Option<string?>("--activation") { Description = "Which question, if there are several.", HelpName = "NAME" };
        var command = new Command("approve", "Answer the question that a run asks a person") { id, values, activation };
        command.SetAction((parsed, _) =>
        {
            var settings = common.Read(parsed);
            return CommandLine.GuardAsync(settings, cancellationToken =>
                RunAsync(settings, parsed.GetValue(id)!, parsed.GetValue(values) ?? [], parsed.GetValue(activation), cancellationToken));
        });
        return command;
    }

    private static async Task<int> RunAsync(CliSettings settings, string id, string[] values, string? activation, CancellationToken cancellationToken)
    {
        await using var session = await HostSession.OpenAsync(new HostOptions { Settings = settings }, cancellationToken);
        var status = await session.Client.GetAsync(id, "showInput=false", cancellationToken);
        var waits = (status.CustomStatus?.WaitingFor ?? []).Where(wait => wait.Kind == "human").ToList();
        var questions = waits.ConvertAll(wait => wait.Activation);
        var more = status.CustomStatus?.MoreWaiting ?? 0;
        var chosen = activation ?? (questions is [var only] && more == 0 ? only : null);
        if (chosen is null)
        {
            throw CliException.Invalid(questions.Count == 0
                ? $"Instance \"{id}\" does not wait for a person. See: {settings.Command} status {id}"
                : $"Instance \"{id}\" asks several questions; choose one with --activation: {string.Join(", ", questions)}{(more > 0 ? $" and {more} more" : "")}.");
        }

        if (!questions.Contains(chosen, StringComparer.Ordinal) && more == 0)
        {
            throw CliException.Invalid($"Instance \"{id}\", activation \"{chosen}\", does not wait for a person. See: {settings.Command} status {id}");
        }

        var asking = waits.Find(wait => wait.Activation == chosen)?.InstanceId ?? id;
        var asked = await session.Client.FindApprovalAsync(asking, chosen, cancellationToken);
        await session.Client.PostAsync(asking, $"events/{Uri.EscapeDataString(EventNames.Answer(chosen))}", Answer(chosen, asked?.Schema, values), cancellationToken);
        await Console.Error.WriteLineAsync($"Answered {chosen} of {id}.");
        await Unfinished.StayAsync(session, cancellationToken);
        return ExitCodes.Completed;
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
