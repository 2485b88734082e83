using System.CommandLine;

namespace Polyphony.Cli.Commands;

/// <summary>The options that every command takes.</summary>
internal sealed class CommonOptions
{
    private readonly Option<string?> _data = new("--data")
    {
        Description = "The data folder: the file of all runs, and the log. Default: $POLYPHONY_DATA, else .polyphony.",
        HelpName = "DIR",
        Recursive = true,
    };

    private readonly Option<bool> _verbose = new("--verbose") { Description = "Show the cause of an error in full.", Recursive = true };

    public Option<string?> Files { get; } = new("--files")
    {
        Description = "The folder that file tools may read. Default: $POLYPHONY_FILES; without it they read nothing.",
        HelpName = "DIR",
    };

    public Option<string?> Workflows { get; } = new("--workflows")
    {
        Description = "The folder of the workflows that can be started by name. Default: $POLYPHONY_WORKFLOWS, else workflows, else the samples.",
        HelpName = "DIR",
    };

    public Option<bool> Json { get; } = new("--json") { Description = "Print JSON, and nothing else, on stdout." };

    public void AddTo(RootCommand root)
    {
        root.Options.Add(_data);
        root.Options.Add(_verbose);
    }

    public CliSettings Read(ParseResult parsed) => CliSettings.Read(
        parsed.GetValue(_data), Value(parsed, Files), Value(parsed, Workflows), parsed.GetValue(_verbose));

    private static string? Value(ParseResult parsed, Option<string?> option) => parsed.GetResult(option) is null ? null : parsed.GetValue(option);
}
