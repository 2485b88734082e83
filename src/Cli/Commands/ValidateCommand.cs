using System.CommandLine;
using Polyphony.Cli.Hosting;
using Polyphony.Cli.Inputs;
using Polyphony.Core.Workflows;

namespace Polyphony.Cli.Commands;

/// <summary><c>validate</c>: checks workflow files and says what they can cost at the most.</summary>
internal static class ValidateCommand
{
    public static Command Create(CommonOptions common)
    {
        var files = new Argument<string[]>("FILE") { Description = "Workflow files.", Arity = ArgumentArity.OneOrMore };
        var command = new Command("validate", "Check workflow files: every problem with line and column, and the most model calls of a run") { files };
        command.SetAction((parsed, _) =>
        {
            var settings = common.Read(parsed);
            return CommandLine.GuardAsync(settings, _ => RunAsync(settings, parsed.GetValue(files)!));
        });
        return command;
    }

    private static async Task<int> RunAsync(CliSettings settings, string[] files)
    {
        var models = HostModels.Read(settings.SettingsFile);
        var problems = 0;
        foreach (var path in files)
        {
            var (result, found, catalog) = WorkflowFiles.Check(path, models.CheckPrices());
            problems += found.Count;
            foreach (var problem in found)
            {
                await Console.Out.WriteLineAsync(problem.ToString());
            }

            foreach (var warning in result.Warnings)
            {
                await Console.Out.WriteLineAsync(WorkflowFiles.Text(warning));
            }

            if (found.Count == 0)
            {
                var definition = result.Require();
                await Console.Out.WriteLineAsync($"{path}: valid. Workflow {definition.Name}, version {definition.Version}, {definition.Graph.Nodes.Length} nodes.");
                await Console.Out.WriteLineAsync(Indent(WorkflowProof.Of(definition, catalog, models.Models).ToString()));
            }
        }

        if (problems > 0)
        {
            await Console.Error.WriteLineAsync(problems == 1 ? "1 problem." : $"{problems} problems.");
        }

        return problems == 0 ? ExitCodes.Completed : ExitCodes.Invalid;
    }

    private static string Indent(string text) => $"  {text.ReplaceLineEndings($"{Environment.NewLine}  ")}";
}
