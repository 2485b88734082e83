using Polyphony.Core.Durable;

namespace Polyphony.Engine.Tests.Runtime;

/// <summary>Code that waits for something that its history cannot bring.</summary>
[Trait("Row", "S3")]
public sealed class IllegalAwaitTests
{
    public static TheoryData<string> Codes => ["never", "foreign", "pool", "foreign while waiting", "without context", "off thread"];

    [Theory]
    [MemberData(nameof(Codes))]
    public async Task Run_IllegalAwait_StopsTheInstanceWithTheReason(string code)
    {
        var foreign = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var registry = new DurableRegistry()
            .AddActivity("echo", (_, input) => Task.FromResult(input))
            .AddOrchestration("fine", (context, _) => context.WaitForExternalEventAsync("go"))
            .AddOrchestration("o", async (context, _) =>
            {
                switch (code)
                {
                    case "never":
                        await new TaskCompletionSource().Task;
                        break;
                    case "foreign":
                        await foreign.Task;
                        break;
                    case "pool":
                        await Task.Run(() => foreign.Task);
                        break;
                    case "foreign while waiting":
                        var go = context.WaitForExternalEventAsync("go");
                        await foreign.Task;
                        await go;
                        break;
                    case "without context":
                        await context.CallActivityAsync("echo", "1").ConfigureAwait(false);
                        await context.CallActivityAsync("echo", "2");
                        break;
                    default:
                        await Task.Run(() => context.CallActivityAsync("echo", "1"));
                        break;
                }

                return "ended";
            });
        await using var engine = await EmbeddedEngine.StartAsync(new EngineOptions(), registry);
        await engine.Client.StartAsync("o", null, new StartOrchestrationOptions { InstanceId = "a" });
        await engine.Client.StartAsync("fine", null, new StartOrchestrationOptions { InstanceId = "b" });
        OrchestrationMetadata? found = null;
        while (found?.RuntimeStatus != OrchestrationRuntimeStatus.Suspended)
        {
            found = await engine.Client.WaitForChangeAsync("a", found?.Version ?? 0).WaitAsync(TimeSpan.FromSeconds(20));
            Assert.False(found!.IsFinished);

            // Not before the code waits for it, or the wait would be none.
            if (found.RuntimeStatus == OrchestrationRuntimeStatus.Running)
            {
                foreign.TrySetResult();
            }
        }

        Assert.Equal("non_deterministic", found.FailureDetails?.ErrorType);
        Assert.Contains("history says only its own tasks", found.FailureDetails!.ErrorMessage, StringComparison.Ordinal);
        await engine.Client.RaiseEventAsync("b", "go", "1");
        Assert.Equal("1", (await engine.Client.WaitForCompletionAsync("b")).Output);
    }
}
