using System.CommandLine;
using System.Text.Json;
using Polyphony.Cli.Hosting;
using Polyphony.Cli.Sessions;
using Polyphony.Core.Json;

namespace Polyphony.Cli.Commands;

/// <summary>The commands that act on an instance: <c>raise</c>, <c>suspend</c>, <c>resume</c>, <c>terminate</c>, <c>rewind</c>, <c>restart</c>, <c>purge</c>.</summary>
internal static class ManageCommands
{
    public static void AddTo(RootCommand root, CommonOptions common)
    {
        root.Add(CreateRaise(common));
        foreach (var (name, description) in (ReadOnlySpan<(string, string)>)
            [("suspend", "Halt a run"), ("resume", "Resume a suspended run"), ("terminate", "End a run"), ("rewind", "Run the failed part of a run again")])
        {
            var reason = new Option<string?>("--reason") { Description = "The reason; kept in the history.", HelpName = "TEXT" };
            root.Add(Create(common, name, description, [reason], (session, id, parsed, cancellationToken) =>
                session.Client.PostAsync(id, parsed.GetValue(reason) is { } why ? $"{name}?reason={Uri.EscapeDataString(why)}" : name, null, cancellationToken)));
        }

        root.Add(Create(common, "restart", "Start another run with the same workflow and input", [], async (session, id, _, cancellationToken) =>
        {
            var links = await session.Client.PostAsync(id, "restart", null, cancellationToken);
            await Console.Out.WriteLineAsync(links?.GetProperty("id").GetString());
        }));
        root.Add(Create(common, "purge", "Remove a finished run", [], async (session, id, _, cancellationToken) =>
            await session.Client.PurgeAsync(id, cancellationToken)));
    }

    private static Command CreateRaise(CommonOptions common)
    {
        var name = new Argument<string>("EVENT") { Description = "The event's name." };
        var payload = new Argument<string?>("JSON") { Description = "Its payload.", Arity = ArgumentArity.ZeroOrOne };
        return Create(common, "raise", "Send an event to a run", [name, payload], (session, id, parsed, cancellationToken) =>
            session.Client.PostAsync(id, $"events/{Uri.EscapeDataString(parsed.GetValue(name)!)}", Parse(parsed.GetValue(payload)), cancellationToken));
    }

    private static Command Create(
        CommonOptions common, string name, string description, Symbol[] symbols, Func<HostSession, string, ParseResult, CancellationToken, Task> act)
    {
        var id = new Argument<string>("ID") { Description = "The instance." };
        var command = new Command(name, description) { id };
        foreach (var symbol in symbols)
        {
            if (symbol is Option option)
            {
                command.Options.Add(option);
            }
            else if (symbol is Argument argument)
            {
                command.Arguments.Add(argument);
            }
        }

        command.SetAction((parsed, _) =>
        {
            var settings = common.Read(parsed);
            return CommandLine.GuardAsync(settings, async cancellationToken =>
            {
                await using var session = await HostSession.OpenAsync(new HostOptions { Settings = settings }, cancellationToken);
                await act(session, parsed.GetValue(id)!, parsed, cancellationToken);
                await Console.Error.WriteLineAsync($"{name}: {parsed.GetValue(id)}");
                await Unfinished.StayAsync(session, cancellationToken);
                return ExitCodes.Completed;
            });
        });
        return command;
    }

    private static JsonElement? Parse(string? json)
    {
        if (json is null)
        {
            return null;
        }

        try
        {
            return StrictJson.Parse(json);
        }
        catch (InvalidJsonException e) when (e.IsSyntax)
        {
            throw CliException.Invalid($"\"{json}\" is not JSON; a string is written with quotes, '\"{json}\"'.");
        }
    }
}
