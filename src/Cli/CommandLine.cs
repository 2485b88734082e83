using System.CommandLine;
using System.CommandLine.Parsing;
using System.Runtime.InteropServices;
using Polyphony.Cli.Commands;
using Polyphony.Cli.Inputs;
using Polyphony.Cli.Output;
using Polyphony.Cli.Sessions;
using Polyphony.Core.Definitions;
using Polyphony.Core.Json;

namespace Polyphony.Cli;

/// <summary>The commands of the tool, and what they have in common: options, Ctrl-C, errors.</summary>
internal static class CommandLine
{
    public static async Task<int> RunAsync(string[] args)
    {
        Terminal.Guard();
        var common = new CommonOptions();
        var root = new RootCommand("Runs durable multi-agent workflows. Exit codes: 0 completed, 1 ended otherwise, 2 invalid file, input or arguments, 3 host or engine problem.")
        {
            RunCommand.Create(common),
            UpCommand.Create(common),
            ValidateCommand.Create(common),
            StatusCommand.Create(common),
            WatchCommand.Create(common),
            HistoryCommand.Create(common),
            QueueCommand.Create(common),
            UsageCommand.Create(common),
            ApproveCommand.Create(common),
            SchedulesCommand.Create(common),
            CheckCommand.Create(common),
            BackupCommand.Create(common),
        };
        ManageCommands.AddTo(root, common);
        TopicCommands.AddTo(root, common);
        common.AddTo(root);

        // An argument that begins with @ is itself, and not the name of a file with more of them.
        var parsed = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });

        // Commands that take any number of arguments would take a mistyped option for one.
        var mistyped = parsed.Tokens.TakeWhile(token => token.Type != TokenType.DoubleDash)
            .Where(token => token.Type == TokenType.Argument && token.Value.StartsWith("--", StringComparison.Ordinal))
            .Select(token => $"Unknown option {token.Value}.");
        var errors = parsed.Errors.Select(error => error.Message).Concat(mistyped).Concat(ArgumentBytes.Problems(args)).ToList();
        if (errors.Count > 0)
        {
            foreach (var error in errors)
            {
                await Console.Error.WriteLineAsync(error);
            }

            await Console.Error.WriteLineAsync($"See: {CliSettings.Read(null, null, null, false).Command} {parsed.CommandResult.Command.Name} --help");
            return ExitCodes.Invalid;
        }

        // What Ctrl-C means differs from command to command, so it only cancels; nothing is cut off after a time.
        return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
    }

    /// <summary>Runs a command's work: Ctrl-C and SIGTERM cancel it, and every error becomes a message and an exit code.</summary>
    /// <param name="settings">Where things lie.</param>
    /// <param name="work">The work.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> GuardAsync(CliSettings settings, Func<CancellationToken, Task<int>> work)
    {
        using var stop = new CancellationTokenSource();
        void Cancel(PosixSignalContext context)
        {
            context.Cancel = true;
            stop.Cancel();
        }

        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Cancel);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Cancel);
        try
        {
            return await work(stop.Token);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync("Stopped.");
            return ExitCodes.NotCompleted;
        }
        catch (Exception e)
        {
            var (code, message) = Describe(e, settings);
            await Console.Error.WriteLineAsync(message);
            if (settings.Verbose)
            {
                await Console.Error.WriteLineAsync(e.ToString());
            }

            return code;
        }
    }

    private static (int Code, string Message) Describe(Exception exception, CliSettings settings) => exception switch
    {
        CliException known => (known.ExitCode, known.Message),
        PolyphonyException { Code: "api_key_invalid" or "input_invalid" } invalid => (ExitCodes.Invalid, invalid.Message),
        HostProblemException { Problem: { Status: >= 400 and < 500 } problem } => (
            problem.Status is 401 or 403 && problem.Code != EndpointPolicy.Code ? ExitCodes.HostProblem : ExitCodes.Invalid, ProblemText.Of(problem)),
        HostProblemException refused => (ExitCodes.HostProblem, refused.Message),
        HostLostException lost => (ExitCodes.HostProblem, $"{lost.Message} Try again, or start one: {settings.Command} up"),
        InvalidJsonException json => (ExitCodes.Invalid, $"The JSON is not valid: {json.Message}."),
        PolyphonyException product => (ExitCodes.HostProblem, product.Message),
        _ => (ExitCodes.HostProblem, $"Unexpected error: {exception.Message} Run again with --verbose for the details; {settings.LogFile} may have more."),
    };
}
