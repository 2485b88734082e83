using System.CommandLine;
using Microsoft.Extensions.Logging.Abstractions;
using Polyphony.Activities.Tools;
using Polyphony.Activities.Tools.Servers;
using Polyphony.Cli.Hosting;
using Polyphony.Cli.Inputs;
using Polyphony.Cli.Output;
using Polyphony.Core.Definitions;

namespace Polyphony.Cli.Commands;

/// <summary><c>validate</c>: checks workflow files and says what they can cost at most.</summary>
internal static class ValidateCommand
{
    public static Command Create(CommonOptions common)
    {
        var files = new Argument<string[]>("FILE") { Description = "Workflow files.", Arity = ArgumentArity.OneOrMore };
        var connect = new Option<bool>("--connect") { Description = "Ask the tool servers of the settings for their tools, and check the files against them." };
        var command = new Command("validate", "Check workflow files: every problem with line and column, and the maximum number of model calls of a run") { files, connect };
        command.SetAction((parsed, _) =>
        {
            var settings = common.Read(parsed);
            return CommandLine.GuardAsync(settings, cancellationToken => RunAsync(settings, parsed.GetValue(files)!, parsed.GetValue(connect), cancellationToken));
        });
        return command;
    }

    private static async Task<int> RunAsync(CliSettings settings, string[] files, bool connect, CancellationToken cancellationToken)
    {
        var host = HostModels.Read(settings.SettingsFile);
        var departures = new Departures(host, Environment.GetEnvironmentVariable);
        await using var servers = new ToolServers(host.Tools, TimeProvider.System, NullLoggerFactory.Instance);
        var tools = new ToolUseCheck(new FileTools(null).Register(new ToolRegistry()), servers, connect);
        foreach (var warning in host.Warnings)
        {
            await Console.Out.WriteLineAsync(WorkflowFiles.Text(warning));
        }

        var problems = 0;
        var refused = false;
        foreach (var path in files)
        {
            var (result, found, catalog) = WorkflowFiles.Check(path, host.CheckPrices());
            IReadOnlyList<WorkflowDefinition> all = result.Definition is { } read && found.Count == 0 ? [read, .. WorkflowFiles.Uses(read, catalog)] : [];
            List<WorkflowProblem> endpoints =
                [.. all.SelectMany((each, index) => host.Endpoints.Check(each, DefinitionOrigin.File, index == 0 ? result.Locations : null, index == 0 ? path : $"workflow \"{each.Name}\""))];
            refused |= endpoints.Count > 0;
            List<WorkflowProblem> warnings = [.. result.Warnings];
            found = [.. found, .. endpoints, .. await CheckToolsAsync(tools, all, result, path, warnings, cancellationToken)];
            problems += found.Count;
            await WriteFoundAsync(found, warnings);
            if (found.Count == 0)
            {
                var definition = result.Require();
                await Console.Out.WriteLineAsync($"{path}: valid. Workflow {definition.Name}, version {definition.Version}, {definition.Graph.Nodes.Length} nodes.");
                await Console.Out.WriteLineAsync(Indent(WorkflowProof.Of(definition, catalog, host.Models).ToString()));
                await WriteLeavingAsync(definition, all, departures);
            }
        }

        if (refused)
        {
            await Console.Error.WriteLineAsync(
                $"The settings are read from {settings.SettingsFile ?? Path.Combine(settings.DataFolder, "settings.json")}{(settings.SettingsFile is null ? ", which is not there yet" : "")}. See docs/models.md, \"Endpoints that workflows may name\".");
        }

        if (problems > 0)
        {
            await Console.Error.WriteLineAsync(problems == 1 ? "1 problem." : $"{problems} problems.");
        }

        return problems == 0 ? ExitCodes.Completed : ExitCodes.Invalid;
    }

    private static async Task<IReadOnlyList<WorkflowProblem>> CheckToolsAsync(
        ToolUseCheck tools, IReadOnlyList<WorkflowDefinition> all, WorkflowParseResult first, string path, List<WorkflowProblem> warnings, CancellationToken cancellationToken)
    {
        List<WorkflowProblem> found = [];
        for (var i = 0; i < all.Count; i++)
        {
            var (problems, doubts) = await tools.CheckAsync(all[i], i == 0 ? first.Locations : null, i == 0 ? path : $"workflow \"{all[i].Name}\"", cancellationToken);
            found.AddRange(problems);
            warnings.AddRange(doubts);
        }

        return found;
    }

    private static async Task WriteFoundAsync(IReadOnlyList<WorkflowProblem> problems, IReadOnlyList<WorkflowProblem> warnings)
    {
        foreach (var problem in problems)
        {
            await Console.Out.WriteLineAsync(PlainText.Line(problem.ToString()));
        }

        foreach (var warning in warnings)
        {
            await Console.Out.WriteLineAsync(WorkflowFiles.Text(warning));
        }
    }

    private static async Task WriteLeavingAsync(WorkflowDefinition definition, IReadOnlyList<WorkflowDefinition> all, Departures departures)
    {
        var leaving = all.SelectMany(each => departures.Of(each).Select(line => each == definition ? line : $"{line} (in {each.Name})")).Distinct().ToList();
        await Console.Out.WriteLineAsync(leaving.Count == 0
            ? "  Leaves this machine: nothing."
            : Indent($"Leaves this machine:\n{string.Join('\n', leaving.Select(line => $"  {line}"))}"));
    }

    private static string Indent(string text) => $"  {text.ReplaceLineEndings($"{Environment.NewLine}  ")}";
}
