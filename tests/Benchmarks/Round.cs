using Polyphony.Benchmarks.Reports;
using Polyphony.Core.Durable;
using Polyphony.Engine;

namespace Polyphony.Benchmarks;

/// <summary>One round of a benchmark: sizes to run at, fresh data files, and where figures go.</summary>
internal sealed class Round(BenchOptions options, Dictionary<string, Measurement> results, bool warmUp) : IDisposable
{
    private readonly string _folder = Directory.CreateDirectory(Path.Combine(options.Data, $"polyphony-bench-{Guid.NewGuid():N}")).FullName;

    private int _files;

    /// <summary>Gets a value indicating whether the round only brings the code to speed.</summary>
    internal bool WarmUp => warmUp;

    internal bool Quick => options.Quick;

    internal Durability Durability => options.Durability;

    /// <summary>Divides a size for a quick run, and more for one that warms up.</summary>
    internal int Scale(int size, int least = 1) => Math.Max(least, warmUp ? size / 50 : options.Quick ? size / 10 : size);

    /// <summary>Gets the name of a new data file.</summary>
    internal string NewFile() => Path.Combine(_folder, $"{++_files}.db");

    internal Task<EmbeddedEngine> StartEngineAsync(DurableRegistry registry, string? file = null) =>
        EmbeddedEngine.StartAsync(new EngineOptions { Path = file ?? NewFile(), Durability = options.Durability }, registry);

    /// <summary>Records a figure.</summary>
    internal void Record(string name, string unit, double value, bool higherIsBetter)
    {
        if (!warmUp)
        {
            if (!results.TryGetValue(name, out var measured))
            {
                results.Add(name, measured = new Measurement(name, unit, higherIsBetter, []));
            }

            measured.Samples.Add(value);
        }
    }

    internal void RecordRate(string name, string unit, int count, TimeSpan time) => Record(name, unit, count / time.TotalSeconds, higherIsBetter: true);

    internal void RecordTime(string name, TimeSpan time) => Record(name, "ms", time.TotalMilliseconds, higherIsBetter: false);

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
