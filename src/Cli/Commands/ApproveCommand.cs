using System.CommandLine;
using System.Text.Json;
using Polyphony.Cli.Hosting;
using Polyphony.Cli.Inputs;
using Polyphony.Cli.Sessions;
using Polyphony.Core.Json;
using Polyphony.Core.Schemas;
using Polyphony.Http.Approvals;

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
        var questions = (await session.Client.ApprovalsAsync(cancellationToken))
            .Where(question => question.InstanceId == id && (activation is null || question.Activation == activation)).ToList();
        if (questions is not [var asked])
        {
            throw CliException.Invalid(questions.Count == 0
                ? $"Instance \"{id}\"{(activation is null ? "" : $", activation \"{activation}\",")} does not wait for a person. See: {settings.Command} status {id}"
                : $"Instance \"{id}\" asks several questions; choose one with --activation: {string.Join(", ", questions.Select(question => question.Activation))}.");
        }

        await session.Client.PostAsync(id, $"events/{Uri.EscapeDataString(asked.EventName)}", Answer(asked, values), cancellationToken);
        await Console.Error.WriteLineAsync($"Answered {asked.Activation} of {id}.");
        await Unfinished.StayAsync(session, cancellationToken);
        return ExitCodes.Completed;
    }

    private static JsonElement Answer(Approval asked, string[] values)
    {
        var schema = asked.Schema is { } json && JsonSchema.TryParse(json, out var parsed, out _) ? parsed : null;
        if (values is [var single] && !single.Contains('=', StringComparison.Ordinal))
        {
            try
            {
                return StrictJson.Parse(single);
            }
            catch (InvalidJsonException e) when (e.IsSyntax)
            {
                throw CliException.Invalid($"\"{single}\" is neither key=value nor JSON; a text is written with quotes, '\"{single}\"'.");
            }
        }

        return InputArguments.Read(values, null, schema, $"answer to {asked.Activation}");
    }
}
