using System.CommandLine;
using Polyphony.Cli.Output;
using Polyphony.Engine;

namespace Polyphony.Cli.Commands;

/// <summary><c>check</c>: whether everything in the data file can be read.</summary>
internal static class CheckCommand
{
    private const int MostProblems = 100;

    public static Command Create(CommonOptions common)
    {
        var command = new Command("check", "Check that everything in the data file can be read, even while a host is up");
        command.SetAction((parsed, _) =>
        {
            var settings = common.Read(parsed);
            return CommandLine.GuardAsync(settings, cancellationToken => RunAsync(settings, cancellationToken));
        });
        return command;
    }

    private static async Task<int> RunAsync(CliSettings settings, CancellationToken cancellationToken)
    {
        if (!File.Exists(settings.DataFile))
        {
            throw CliException.Invalid($"There is no data file \"{settings.DataFile}\". Name the folder of a host with --data.");
        }

        var report = await DataFileCheck.RunAsync(settings.DataFile, new ProgressLines("Checked", TimeProvider.System), cancellationToken);
        if (report.Problems.Count == 0)
        {
            await Console.Out.WriteLineAsync($"{settings.DataFile}: {Instances(report.Instances)}, nothing is damaged.");
            return ExitCodes.Completed;
        }

        await Console.Out.WriteLineAsync($"{settings.DataFile}: damaged; of {Instances(report.Instances)}, {report.DamagedInstances.Count} cannot be read in full.");
        foreach (var problem in report.Problems.Take(MostProblems))
        {
            await Console.Out.WriteLineAsync($"  {problem.InstanceId ?? "(file)"}: {problem.Found}");
        }

        if (report.Problems.Count > MostProblems)
        {
            await Console.Out.WriteLineAsync($"  … and {report.Problems.Count - MostProblems} more");
        }

        await Console.Out.WriteLineAsync(
            $"The other instances are whole, and a host runs them. To restore the damaged ones, check the disk, stop the host and replace the file with a backup (docs/cli.md). Until then keep the file, and overwrite no older backup.");
        return ExitCodes.NotCompleted;
    }

    private static string Instances(int count) => count == 1 ? "1 instance" : $"{count} instances";
}
