using System.CommandLine;
using System.Globalization;
using Polyphony.Cli.Output;
using Polyphony.Engine;

namespace Polyphony.Cli.Commands;

/// <summary><c>backup</c>: a consistent copy of the data file, even while a host uses it.</summary>
internal static class BackupCommand
{
    public static Command Create(CommonOptions common)
    {
        var file = new Argument<string>("FILE") { Description = "The file to write; it must not exist." };
        var command = new Command("backup", "Copy the data file, even while a host uses it") { file };
        command.SetAction((parsed, _) =>
        {
            var settings = common.Read(parsed);
            return CommandLine.GuardAsync(settings, cancellationToken => RunAsync(settings, parsed.GetValue(file)!, cancellationToken));
        });
        return command;
    }

    private static async Task<int> RunAsync(CliSettings settings, string file, CancellationToken cancellationToken)
    {
        if (!File.Exists(settings.DataFile))
        {
            throw CliException.Invalid($"There is no data file \"{settings.DataFile}\". Name the folder of a host with --data.");
        }

        try
        {
            var bytes = await DataFileBackup.RunAsync(settings.DataFile, file, new ProgressLines("Copied", TimeProvider.System), cancellationToken);
            await Console.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{Path.GetFullPath(file)}: {bytes / 1e6:0.0} MB"));
            return ExitCodes.Completed;
        }
        catch (PolyphonyException e) when (e.Code == "backup_exists")
        {
            throw CliException.Invalid(e.Message);
        }
    }
}
