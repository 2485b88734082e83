using Polyphony.DurableFunctions.Tests.TaskHubs;

namespace Polyphony.DurableFunctions.Tests;

/// <summary>Runs the tests; or, for a test that kills processes, a worker; or <c>./dev bench functions</c>.</summary>
internal static class Program
{
    public static async Task<int> Main(string[] args)
    {
        if (args is [WorkerProcess.Command, ..])
        {
            await TakeoverWorkflows.WorkAsync(args);
            return 0;
        }

        if (args is [InProcessBench.Command, ..])
        {
            await InProcessBench.RunAsync(args);
            return 0;
        }

        return args.Contains("--server") || args.Contains("--internal-msbuild-node")
            ? await Xunit.MicrosoftTestingPlatform.TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions)
            : await Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args);
    }
}
