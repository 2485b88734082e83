using System.Diagnostics;
using Polyphony.Benchmarks.Engine;
using Polyphony.Benchmarks.Interpreter;
using Polyphony.Benchmarks.Limits;
using Polyphony.Benchmarks.Reports;

namespace Polyphony.Benchmarks;

/// <summary>All benchmarks, run in interleaved rounds, so that what disturbs the machine for a while disturbs all alike.</summary>
internal static class Suite
{
    private static readonly Benchmark[] All =
    [
        new("limit", DiskLimit.RunAsync),
        new("sequential", SequentialSteps.RunAsync),
        new("fanout", FanOut.RunAsync),
        new("concurrent", ConcurrentInstances.RunAsync),
        new("latency", StartToFinish.RunAsync),
        new("messages", Messages.RunAsync),
        new("topics", TopicMessages.RunAsync, 3),
        new("mailboxes", WaitingMessages.RunAsync, 1),
        new("interpreter", InterpreterCost.RunAsync),
        new("expressions", ExpressionCost.RunAsync, 3),
        new("schemas", SchemaCost.RunAsync, 3),
        new("size", BytesPerStep.RunAsync, 1),
        new("waiting", WaitingInstances.RunAsync, 3),
    ];

    internal static IEnumerable<string> Names => All.Select(benchmark => benchmark.Name);

    internal static async Task<Report> RunAsync(BenchOptions options)
    {
        var results = new Dictionary<string, Measurement>(StringComparer.Ordinal);
        var chosen = All.Where(benchmark => options.Only.Count == 0 || options.Only.Contains(benchmark.Name)).ToList();
        var began = Stopwatch.GetTimestamp();
        for (var round = 0; round <= options.Rounds; round++)
        {
            foreach (var benchmark in chosen.Where(benchmark => round <= benchmark.MaxRounds))
            {
                Console.Error.WriteLine($"{Stopwatch.GetElapsedTime(began).TotalSeconds,5:0} s  {(round == 0 ? "warm-up" : $"round {round} of {Math.Min(options.Rounds, benchmark.MaxRounds)}")}: {benchmark.Name}");

                // What one leaves behind is not the next one's to clean up.
                GC.Collect();
                using var current = new Round(options, results, warmUp: round == 0);
                await benchmark.RunAsync(current);
            }
        }

        return Report.Make(options, results.Values, Stopwatch.GetElapsedTime(began));
    }
}
