using Polyphony.Core.Durable;
using Polyphony.Engine.Simulation;

namespace Polyphony.Engine.Tests.Simulation;

[Trait("Row", "S7")]
[Trait("Row", "H9")]
[Trait("Row", "T3")]
public sealed class CrashTests
{
    [Fact]
    public void Run_WithoutCrash_GivesWhatWasWorkedOut()
    {
        var (report, result) = Run(new SimulationOptions { Seed = 1 });

        Assert.Contains($"root Completed {EverythingRun.ExpectedOutput} \"relay\" ", report, StringComparison.Ordinal);
        Assert.Contains("total 11115 relay 1", report, StringComparison.Ordinal);
        Assert.Contains("ledger 1 1 2 0.5", report, StringComparison.Ordinal);
        Assert.Equal(0, result.Crashes);
        Assert.True(result.Commits > 20);
    }

    [Theory]
    [InlineData(1, int.MaxValue)]
    [InlineData(2, int.MaxValue)]
    [InlineData(3, 0)]
    public void Run_CrashAtEveryCommit_ChangesNothing(int seed, int live)
    {
        var options = new SimulationOptions { Seed = seed, MaxLiveInstances = live };
        var (expected, undisturbed) = Run(options);

        for (var commit = 1; commit <= undisturbed.Commits; commit++)
        {
            foreach (var point in Enum.GetValues<CrashPoint>())
            {
                var (report, result) = Run(options with { CrashAtCommit = commit, CrashPoint = point });
                Assert.True(expected == report, $"Seed {seed}, crash {point} {commit}:\n{report}\nexpected:\n{expected}");
                Assert.Equal(1, result.Crashes);
            }
        }
    }

    [Fact]
    public void Post_AfterTheEnd_IsDropped()
    {
        SynchronizationContext? context = null;
        SeededSimulation.Run(
            new SimulationOptions { Seed = 1 },
            static _ => new DurableRegistry(),
            _ =>
            {
                context = SynchronizationContext.Current;
                return Task.CompletedTask;
            });
        var ran = false;

        // As a thread does that comes late with what an abandoned call waited for.
        context!.Post(_ => ran = true, null);

        Assert.False(ran);
    }

    [Theory]
    [InlineData(1, int.MaxValue)]
    [InlineData(2, 0)]
    [Trait("Row", "H5")]
    public void Manage_CrashAtEveryCommit_ChangesNothing(int seed, int live)
    {
        var options = new SimulationOptions { Seed = seed, MaxLiveInstances = live };
        var (report, undisturbed) = Manage(options);
        Assert.Equal(ManagementRun.Expected, report);

        for (var commit = 1; commit <= undisturbed.Commits; commit++)
        {
            foreach (var point in Enum.GetValues<CrashPoint>())
            {
                (report, _) = Manage(options with { CrashAtCommit = commit, CrashPoint = point });
                Assert.True(ManagementRun.Expected == report, $"Seed {seed}, crash {point} {commit}:\n{report}\nexpected:\n{ManagementRun.Expected}");
            }
        }
    }

    [Fact]
    public void Run_ManyCrashesByChance_ChangeNothing()
    {
        var (expected, _) = Run(new SimulationOptions { Seed = 1 });

        for (var seed = 1; seed <= 100; seed++)
        {
            var (report, _) = Run(new SimulationOptions { Seed = seed, CrashProbability = 0.1, MaxLiveInstances = seed % 2 == 0 ? 0 : int.MaxValue });
            Assert.True(expected == report, $"Seed {seed}:\n{report}\nexpected:\n{expected}");
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0.1)]
    [Trait("Row", "B4")]
    public void Run_SameSeed_GivesTheSameBytes(double crashes)
    {
        var digests = new HashSet<string>();
        for (var seed = 1; seed <= 5; seed++)
        {
            var options = new SimulationOptions { Seed = seed, CrashProbability = crashes };
            var (_, first) = Run(options);
            var (_, second) = Run(options);
            Assert.Equal(first, second);
            digests.Add(first.Digest);
        }

        Assert.True(digests.Count > 1);
    }

    private static (string Report, SimulationResult Result) Run(SimulationOptions options)
    {
        var report = "";
        var result = SeededSimulation.Run(options, EverythingRun.Registry, async run => report = await EverythingRun.RunAsync(run));
        return (report, result);
    }

    private static (string Report, SimulationResult Result) Manage(SimulationOptions options)
    {
        var report = "";
        var result = SeededSimulation.Run(options, ManagementRun.Registry, async run => report = await ManagementRun.RunAsync(run));
        return (report, result);
    }
}
