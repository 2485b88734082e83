using Polyphony.Core.Durable;

namespace Polyphony.Engine.Tests.Runtime;

/// <summary>An update may write the same calls in another way: whether that stops an instance in flight is said with its registration.</summary>
[Trait("Row", "S9")]
public sealed class ReplayInputsTests
{
    [Theory]
    [InlineData(false, "activity")]
    [InlineData(false, "child")]
    [InlineData(false, "event")]
    [InlineData(false, "call")]
    [InlineData(false, "signal")]
    [InlineData(true, "activity")]
    [InlineData(true, "child")]
    [InlineData(true, "event")]
    [InlineData(true, "call")]
    [InlineData(true, "signal")]
    public async Task Replay_InputWrittenInAnotherWay_GoesOnUnlessInputsAreCompared(bool compareInputs, string what)
    {
        using var folder = new TemporaryFolder();
        var options = new EngineOptions { Path = folder.Data };
        DurableRegistry Make(string text) => new DurableRegistry()
            .AddActivity("a", (_, input) => Task.FromResult(input))
            .AddOrchestration("child", (_, input) => Task.FromResult(input))
            .AddOrchestration("receiver", (context, _) => context.WaitForExternalEventAsync("said"))
            .AddEntity("e", context => Task.FromResult(context.Input))
            .AddOrchestration(
                "o",
                async (context, _) =>
                {
                    var result = await DoAsync(context, what, text);
                    return result + await context.WaitForExternalEventAsync("go");
                },
                compareInputs);
        await using (var engine = await EmbeddedEngine.StartAsync(options, Make("1")))
        {
            await engine.Client.StartAsync("receiver", null, new StartOrchestrationOptions { InstanceId = "receiver" });
            await engine.Client.StartAsync("o", null, new StartOrchestrationOptions { InstanceId = "x" });
            for (long version = 0; !(await engine.Client.GetHistoryAsync("x")).Any(e => e is Core.Durable.History.TimerFired);)
            {
                version = (await engine.Client.WaitForChangeAsync("x", version))!.Version;
            }
        }

        await using var updated = await EmbeddedEngine.StartAsync(options, Make("1.0"));
        await updated.Client.RaiseEventAsync("x", "go", "2");
        OrchestrationMetadata? found = null;
        while (found is not ({ IsFinished: true } or { RuntimeStatus: OrchestrationRuntimeStatus.Suspended }))
        {
            found = await updated.Client.WaitForChangeAsync("x", found?.Version ?? 0);
        }

        if (compareInputs)
        {
            Assert.Equal(("non_deterministic", OrchestrationRuntimeStatus.Suspended), (found.FailureDetails!.ErrorType, found.RuntimeStatus));
        }
        else
        {
            // What was answered before the update stays the answer.
            Assert.Equal("12", (await updated.Client.GetAsync("x"))!.Output);
        }
    }

    private static async Task<string?> DoAsync(OrchestrationContext context, string what, string text)
    {
        var result = "1";
        switch (what)
        {
            case "activity":
                result = await context.CallActivityAsync("a", text);
                break;
            case "child":
                result = await context.CallSubOrchestrationAsync("child", "x-child", text);
                break;
            case "event":
                context.SendEvent("receiver", "said", text);
                break;
            case "call":
                result = await context.CallEntityAsync(new EntityId("e", "k"), "echo", text);
                break;
            default:
                context.SignalEntity(new EntityId("e", "k"), "echo", text);
                break;
        }

        // So that the step is over, whatever it did.
        await context.CreateTimerAsync(context.CurrentUtcDateTime);
        return result;
    }
}
