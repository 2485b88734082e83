using System.Text.Json;
using Polyphony.Activities.Providers;
using Polyphony.Core.CodeFirst;
using Polyphony.Core.Definitions;
using Polyphony.Core.Runs;

namespace Polyphony.Scenarios.Tests;

/// <summary>A C# function that has failed may have left code of its own behind. It has no effect on the attempt after a rewind.</summary>
[Trait("Row", "O14")]
[Trait("Row", "H5")]
public sealed class CodeRewindTests
{
    [Fact]
    public async Task EventWait_LeftByAFailedFunction_TakesNoEventFromTheNextAttempt()
    {
        var (host, prompts) = await StartAsync(async (workflow, _) =>
        {
            var late = LateAsync(workflow);
            await workflow.CallAgentAsync("a", "gate");
            await late;
            return JsonSerializer.SerializeToElement("done");
        });
        await using var closing = host;
        var id = await host.Client.StartAsync("left", JsonElement.Parse("{}"));
        var failed = await host.WaitAsync(id);

        await host.Client.RewindAsync(id);
        await host.Client.RaiseEventAsync(id, "go", null);
        var completed = await host.WaitAsync(id);

        Assert.Equal(("failed", "bad_request"), (failed.Reason(), failed.Error!.Code));
        Assert.Equal(("completed", "done"), (completed.Reason(), completed.Output!.Value.GetString()));
        Assert.Equal(["gate", "gate", "late"], prompts.Order(StringComparer.Ordinal));

        static async Task LateAsync(CodeWorkflow workflow)
        {
            try
            {
                await workflow.Durable.WaitForExternalEventAsync("go");
            }
            catch (OperationCanceledException)
            {
                await workflow.CallAgentAsync("a", "instead");
            }

            await workflow.CallAgentAsync("a", "late");
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Timer_LeftByAFailedFunction_CallsNothing(bool hasToken)
    {
        using var never = new CancellationTokenSource();
        var token = hasToken ? never.Token : CancellationToken.None;
        var (host, prompts) = await StartAsync(async (workflow, _) =>
        {
            var late = LateAsync(workflow);
            await workflow.CallAgentAsync("a", "gate");
            await workflow.Durable.CreateTimerAsync(workflow.Durable.CurrentUtcDateTime + TimeSpan.FromDays(1), token);
            await late;
            return JsonSerializer.SerializeToElement("done");
        });
        await using var closing = host;
        var id = await host.Client.StartAsync("left", JsonElement.Parse("{}"));
        await host.WaitAsync(id);

        await host.Client.RewindAsync(id);
        var completed = await host.WaitAsync(id);

        Assert.Equal(("completed", 2), (completed.Reason(), completed.Usage.ModelCalls));
        Assert.Equal(["gate", "gate", "late"], prompts);
        Assert.Equal(["a", "a#2", "code"], completed.Outcomes!.Select(outcome => outcome.Outcome.Activation).Order(StringComparer.Ordinal).Distinct());

        async Task LateAsync(CodeWorkflow workflow)
        {
            await workflow.Durable.CreateTimerAsync(workflow.Durable.CurrentUtcDateTime + TimeSpan.FromHours(1), token);
            await workflow.CallAgentAsync("a", "late");
        }
    }

    [Fact]
    [Trait("Row", "B2")]
    public async Task CallUnderWay_WhenAFunctionFails_IsFinishedAndItsAnswerUsedAfterTheRewind()
    {
        var gateHasFailed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var (host, prompts) = await StartAsync(
            async (workflow, _) =>
            {
                var slow = workflow.CallAgentAsync("a", "slow");
                try
                {
                    await workflow.CallAgentAsync("a", "gate");
                }
                catch (AgentFailedException)
                {
                    gateHasFailed.TrySetResult();
                    throw;
                }

                return (await slow).Json;
            },
            gateHasFailed.Task);
        await using var closing = host;

        // Nothing moves while the slow call waits for the other: time would pass up to its limit.
        using var held = host.Clock.Hold();
        var id = await host.Client.StartAsync("left", JsonElement.Parse("{}"));
        var failed = await host.WaitAsync(id);

        await host.Client.RewindAsync(id);
        var completed = await host.WaitAsync(id);

        Assert.Equal(["a#2: failed", "a: completed", "code: failed"], failed.Outcomes!.Select(outcome => $"{outcome.Outcome.Activation}: {outcome.Outcome.Status}").Order(StringComparer.Ordinal));
        Assert.Equal(("completed", "slow"), (completed.Reason(), completed.Output!.Value.GetString()));
        Assert.Equal(["gate", "gate", "slow"], prompts.Order(StringComparer.Ordinal));
    }

    /// <summary>Starts a host with one workflow. Its agent repeats the prompt; the first "gate" is refused, and "slow" waits.</summary>
    private static async Task<(TestHost Host, IReadOnlyCollection<string> Prompts)> StartAsync(CodeWorkflowFunction function, Task? slow = null)
    {
        var code = new CodeWorkflows().Add(new WorkflowBuilder("left").Model("m", "offline").Agent("a", "m"), function);
        var host = await TestHost.StartAsync(code: code);
        var prompts = new System.Collections.Concurrent.ConcurrentQueue<string>();
        var refused = 0;
        host.Models.Respond = async (_, messages, _, cancellationToken) =>
        {
            var prompt = messages[^1].Text;
            prompts.Enqueue(prompt);
            if (prompt == "gate" && Interlocked.Exchange(ref refused, 1) == 0)
            {
                throw new ModelException(new CallError(ErrorCodes.BadRequest, "no", ErrorKind.Terminal));
            }

            if (prompt == "slow" && slow is not null)
            {
                await slow.WaitAsync(cancellationToken);
            }

            return TestModels.Text(prompt);
        };
        return (host, prompts);
    }
}
