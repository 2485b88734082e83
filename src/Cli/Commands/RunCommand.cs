using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Polyphony.Cli.Hosting;
using Polyphony.Cli.Inputs;
using Polyphony.Cli.Output;
using Polyphony.Cli.Questions;
using Polyphony.Cli.Sessions;
using Polyphony.Core.Client;
using Polyphony.Core.Json;
using Polyphony.Core.Runs;
using Polyphony.Http.Instances;

namespace Polyphony.Cli.Commands;

/// <summary><c>run</c>: starts an instance of a workflow file, shows its progress and prints its result.</summary>
internal static class RunCommand
{
    private const int IdRandomBytes = 3;

    public static Command Create(CommonOptions common)
    {
        var arguments = new Argument<string[]>("FILE key=value")
        {
            Description = "The workflow file, and its input. Values are read by the types of the input's schema. Without a file: the sample that reviews documents.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var input = new Option<string?>("--input") { Description = "A JSON file with the input; key=value arguments are added to it.", HelpName = "FILE" };
        var tags = ListFilters.TagOption("A tag to keep with the run; status --tag finds it. May be repeated.");
        var command = new Command("run", "Run a workflow to its end and print its result") { arguments, input, tags, common.Json, common.Files };
        command.SetAction((parsed, _) =>
        {
            var settings = common.Read(parsed);
            return CommandLine.GuardAsync(settings, cancellationToken =>
                RunAsync(settings, parsed.GetValue(arguments) ?? [], parsed.GetValue(input), parsed.GetValue(tags), parsed.GetValue(common.Json), cancellationToken));
        });
        return command;
    }

    private static async Task<int> RunAsync(CliSettings settings, string[] arguments, string? inputFile, string[]? tags, bool json, CancellationToken cancellationToken)
    {
        var named = arguments is [var first, ..] && (!first.Contains('=', StringComparison.Ordinal) || File.Exists(first));
        if (!named && settings.Repository is { } repository)
        {
            settings = settings with { FilesFolder = settings.FilesFolder ?? Path.Combine(repository, "docs") };
        }

        var (definition, uses, warnings) = WorkflowFiles.Load(named ? arguments[0] : settings.Sample);
        foreach (var warning in HostModels.Read(settings.SettingsFile).Warnings.Concat(warnings))
        {
            await Console.Error.WriteLineAsync(WorkflowFiles.Text(warning));
        }

        var input = InputArguments.Read(arguments.Skip(named ? 1 : 0), inputFile, definition.Input, $"input of workflow \"{definition.Name}\"");
        WorkflowClient.CheckInput(definition, input);
        var start = new StartDefinition
        {
            // Chosen here, so that a start that was cut off can be found again.
            InstanceId = NewId(definition.Name),
            Input = input,
            Tags = ListFilters.ReadTags(tags),
            Definition = JsonElement.Parse(definition.CanonicalJson, JsonLimits.Document),
            Uses = uses.Count == 0 ? null : [.. uses.Select(use => JsonElement.Parse(use.CanonicalJson, JsonLimits.Document))],
        };

        return await FollowAsync(settings, start, json, TerminalLines.Find(), cancellationToken);
    }

    /// <summary>Starts an instance and follows it, asking people where it waits for them.</summary>
    /// <param name="settings">Where things lie.</param>
    /// <param name="start">What to start.</param>
    /// <param name="json">Whether only JSON is printed.</param>
    /// <param name="lines">Where to ask; <see langword="null"/> if nobody can be asked.</param>
    /// <param name="cancellationToken">Leaves it.</param>
    /// <returns>The exit code.</returns>
    internal static async Task<int> FollowAsync(CliSettings settings, StartDefinition start, bool json, ILines? lines, CancellationToken cancellationToken)
    {
        InstanceStatus status;
        Follower? follower = null;
        await using (var session = await HostSession.OpenAsync(new HostOptions { Settings = settings }, cancellationToken))
        {
            try
            {
                await using (var view = IProgressView.Create(json))
                {
                    follower = new Follower(session, settings, view, lines);
                    status = await follower.RunAsync(start, cancellationToken);
                }

                await ResultText.PrintAsync(status, json);
                await Unfinished.StayAsync(session, cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                await Console.Error.WriteLineAsync(session.Own is null
                    ? $"Instance {start.InstanceId} continues in the host at {session.Client.Address}. Look at it with: {settings.Command} status {start.InstanceId}"
                    : $"Instance {start.InstanceId} is kept in {settings.DataFolder}. Look at it with: {settings.Command} status {start.InstanceId} - and continue it with: {settings.Command} up");
                if (follower is { WaitsForPerson: true })
                {
                    await Console.Error.WriteLineAsync($"It waits for a person. Answer it with: {settings.Command} approve {start.InstanceId}");
                }

                return ExitCodes.NotCompleted;
            }
        }

        return status.StopReason == StopReason.Completed ? ExitCodes.Completed : ExitCodes.NotCompleted;
    }

    private static string NewId(string workflow) => string.Create(
        CultureInfo.InvariantCulture, $"{workflow}-{TimeProvider.System.GetUtcNow():yyMMdd-HHmmss}-{RandomNumberGenerator.GetHexString(2 * IdRandomBytes, lowercase: true)}");
}
