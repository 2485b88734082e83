using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Polyphony.Engine;

namespace Polyphony.Benchmarks;

/// <summary>What one run measures.</summary>
internal sealed record BenchOptions
{
    private const int DefaultRounds = 5;
    private const int QuickRounds = 1;

    internal static string Usage { get; } =
        $"""
        usage: ./dev bench [--json FILE] [--compare OLD.json] [--only NAME…] [--quick] [--rounds N] [--durability full|normal] [--data DIR]

          --json FILE          write the results to FILE as well
          --compare OLD.json   show ratios to an earlier run's file
          --only NAME…         run these alone: {string.Join(", ", Suite.Names)}
          --quick              one round of smaller sizes, below a minute; good to see that all runs, not to compare
          --rounds N           how often each is measured, interleaved; the median counts. Default {DefaultRounds}
          --durability normal  commits wait for the operating system instead of the disk. Default full
          --data DIR           where the data files lie while it runs. Default: the system's folder for temporary files
        """;

    internal string? Json { get; init; }

    internal string? Compare { get; init; }

    internal IReadOnlyCollection<string> Only { get; init; } = [];

    internal bool Quick { get; init; }

    internal int Rounds { get; init; } = DefaultRounds;

    internal Durability Durability { get; init; } = Durability.Full;

    internal string Data { get; init; } = Path.GetTempPath();

    internal bool Help { get; init; }

    internal static bool TryParse(string[] args, [NotNullWhen(true)] out BenchOptions? options, [NotNullWhen(false)] out string? problem)
    {
        options = null;
        problem = null;
        var read = new BenchOptions();
        var only = new List<string>();
        int? rounds = null;
        for (var i = 0; i < args.Length && problem is null; i++)
        {
            var name = args[i];
            string? Value() => i + 1 < args.Length && !args[i + 1].StartsWith("--", StringComparison.Ordinal) ? args[++i] : null;
            switch (name)
            {
                case "--help" or "-h":
                    read = read with { Help = true };
                    break;
                case "--quick":
                    read = read with { Quick = true };
                    break;
                case "--json" when Value() is { } file:
                    read = read with { Json = file };
                    break;
                case "--compare" when Value() is { } file:
                    read = read with { Compare = file };
                    break;
                case "--data" when Value() is { } folder:
                    read = read with { Data = folder };
                    break;
                case "--rounds" when int.TryParse(Value(), NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count > 0:
                    rounds = count;
                    break;
                case "--durability" when Enum.TryParse<Durability>(Value(), ignoreCase: true, out var durability):
                    read = read with { Durability = durability };
                    break;
                case "--only":
                    while (Value() is { } wanted)
                    {
                        only.Add(wanted);
                    }

                    problem = only.Count == 0 ? "--only needs a name" : null;
                    break;
                default:
                    problem = $"\"{name}\" is no option, or its value is missing or wrong";
                    break;
            }
        }

        var unknown = only.Except(Suite.Names, StringComparer.Ordinal).ToList();
        problem ??= unknown.Count > 0 ? $"--only does not know \"{string.Join("\", \"", unknown)}\"" : null;
        if (problem is not null)
        {
            problem = $"{problem}.\n{Usage}";
            return false;
        }

        options = read with { Only = only, Rounds = rounds ?? (read.Quick ? QuickRounds : DefaultRounds) };
        return true;
    }
}
