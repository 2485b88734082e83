using System.Text.Unicode;
using Polyphony.Core.Json;

namespace Polyphony.Cli.Inputs;

/// <summary>Looks at the bytes of the command line, where the system shows them: the runtime replaces what is not UTF-8 without a word.</summary>
internal static class ArgumentBytes
{
    private const string CommandLineFile = "/proc/self/cmdline";

    /// <summary>Finds arguments that are not UTF-8.</summary>
    /// <param name="args">The arguments as the runtime gives them.</param>
    /// <returns>One message for each.</returns>
    public static IEnumerable<string> Problems(string[] args)
    {
        if (!args.Any(arg => arg.Contains('\uFFFD', StringComparison.Ordinal)) || !File.Exists(CommandLineFile))
        {
            return [];
        }

        // The last ones are ours; before them stand the runtime and the tool.
        var all = File.ReadAllBytes(CommandLineFile).AsSpan().TrimEnd((byte)0).ToArray();
        return Problems(all, args.Length);
    }

    /// <summary>Finds arguments that are not UTF-8.</summary>
    /// <param name="commandLine">All arguments of the process, with a zero between each two.</param>
    /// <param name="count">How many, from the end, are looked at.</param>
    /// <returns>One message for each.</returns>
    internal static IEnumerable<string> Problems(byte[] commandLine, int count)
    {
        var arguments = new List<byte[]>();
        foreach (var range in commandLine.AsSpan().Split((byte)0))
        {
            arguments.Add(commandLine[range]);
        }

        return arguments.TakeLast(count).Where(argument => !Utf8.IsValid(argument)).Select(argument =>
            $"The argument \"{System.Text.Encoding.UTF8.GetString(argument)}\" cannot be read: {StrictJson.FindEncodingProblem(argument)}. Use a terminal in UTF-8, or put the value into a file (--input).");
    }
}
