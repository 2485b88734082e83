using Polyphony.Load.Tests.Kill;

namespace Polyphony.Load.Tests;

/// <summary>Runs the tests; or, for a test that kills processes, an app.</summary>
internal static class Program
{
    public static async Task<int> Main(string[] args)
    {
        if (args is [EffectApp.Command, ..])
        {
            await EffectApp.RunAsync(args);
            return 0;
        }

        return args.Contains("--server") || args.Contains("--internal-msbuild-node")
            ? await Xunit.MicrosoftTestingPlatform.TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions)
            : await Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args);
    }
}
