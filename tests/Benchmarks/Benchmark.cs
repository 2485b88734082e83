namespace Polyphony.Benchmarks;

/// <summary>Something to measure.</summary>
/// <param name="Name">What <c>--only</c> calls it.</param>
/// <param name="RunAsync">One round.</param>
/// <param name="MaxRounds">How often it is run at most: fewer for what takes long and varies little.</param>
internal sealed record Benchmark(string Name, Func<Round, Task> RunAsync, int MaxRounds = int.MaxValue);
