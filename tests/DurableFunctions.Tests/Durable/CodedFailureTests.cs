using Microsoft.DurableTask;
using Polyphony.Core.Durable;
using Polyphony.DurableFunctions.Durable;
using CoreTaskFailedException = Polyphony.Core.Durable.TaskFailedException;
using FailureDetails = Polyphony.Core.Durable.FailureDetails;
using StartOrchestrationOptions = Polyphony.Core.Durable.StartOrchestrationOptions;

namespace Polyphony.DurableFunctions.Tests.Durable;

/// <summary>Codes of failures across Durable Task.</summary>
[Trait("Row", "C9")]
public sealed class CodedFailureTests
{
    private const string Coded = "Polyphony.DurableFunctions.Durable.CodedFailureException";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("no paper")]
    [InlineData("[draft] is [empty]")]
    [InlineData("line 1\nline 2: [x] y")]
    [InlineData("")]
    public void Of_ThenRead_GivesCodeAndMessage(string message)
    {
        var read = CodedFailureException.Read(TaskFailureDetails.FromException(CodedFailureException.Of(new PolyphonyException("agent_failed", message))));

        Assert.Equal(("agent_failed", message, null), (read.ErrorType, read.ErrorMessage, read.InnerFailure));
    }

    [Fact]
    public void Of_CauseWithACause_KeepsAllThree()
    {
        var cause = new FailureDetails("rate_limited", "wait", null, new FailureDetails("System.Net.Http.HttpRequestException", "429"));

        var read = CodedFailureException.Read(TaskFailureDetails.FromException(CodedFailureException.Of(new CoreTaskFailedException("agent", cause))));

        Assert.Equal("task_failed", read.ErrorType);
        Assert.Equal(("rate_limited", "wait"), (read.InnerFailure!.ErrorType, read.InnerFailure.ErrorMessage));
        Assert.Equal(("System.Net.Http.HttpRequestException", "429"), (read.InnerFailure.InnerFailure!.ErrorType, read.InnerFailure.InnerFailure.ErrorMessage));
    }

    [Theory]
    [InlineData("System.InvalidOperationException", "[draft] is missing", "System.InvalidOperationException", "[draft] is missing")]
    [InlineData("System.InvalidOperationException", "no [x] here", "System.InvalidOperationException", "no [x] here")]
    [InlineData(Coded, "[a_b] m", "a_b", "m")]
    [InlineData("(unknown)", Coded + ": [a_b] m", "a_b", "m")]
    [InlineData("ActivityTaskNotFound", "none", "unknown_activity", "none")]
    public void Read_OfAnyType_BelievesOnlyItsOwn(string type, string message, string expectedType, string expectedMessage) =>
        Assert.Equal(new FailureDetails(expectedType, expectedMessage), CodedFailureException.Read(new TaskFailureDetails(type, message, null, null, null)));

    [Theory]
    [InlineData("[a_b] m", "a_b", "m")]
    [InlineData(Coded + ": [a_b] m [c] d", "a_b", "m [c] d")]
    [InlineData(Coded + ": [System.Exception] m", "System.Exception", "m")]
    [InlineData("System.Exception: [a_b] m", "System.Exception", "[a_b] m")]
    [InlineData("OrchestratorTaskNotFound: [o] is none", "unknown_orchestration", "[o] is none")]
    [InlineData("[Draft] m", "failed", "[Draft] m")]
    [InlineData("[] m", "failed", "[] m")]
    [InlineData(null, "failed", "It failed.")]
    public void Read_Text_FindsTheCodeWhereItStands(string? text, string type, string message) =>
        Assert.Equal(new FailureDetails(type, message), CodedFailureException.Read(text));

    [Fact]
    public async Task Failure_ThroughActivityAndChild_IsTheSameToTheCallerAndTheClient()
    {
        var registry = new DurableRegistry()
            .AddActivity("fails", (_, _) => throw new PolyphonyException("no_paper", "Tray [2] is empty."))
            .AddOrchestration("child", (context, _) => context.CallActivityAsync("fails", null))
            .AddOrchestration("parent", async (context, _) =>
            {
                var error = await Assert.ThrowsAsync<CoreTaskFailedException>(() => context.CallSubOrchestrationAsync("child", null, null));
                return $"\"{error.FailureDetails.ErrorType}/{error.FailureDetails.InnerFailure!.ErrorType}/{error.FailureDetails.InnerFailure.ErrorMessage}\"";
            });
        await using var host = await InMemoryTaskHub.StartAsync(registry);
        var parent = await host.Client.StartAsync("parent", null, new StartOrchestrationOptions { InstanceId = "p" }, Token);
        var child = await host.Client.StartAsync("child", null, new StartOrchestrationOptions { InstanceId = "c" }, Token);

        Assert.Equal("\"task_failed/no_paper/Tray [2] is empty.\"", (await host.Client.WaitForCompletionAsync(parent, Token)).Output);
        var failure = (await host.Client.WaitForCompletionAsync(child, Token)).FailureDetails!;
        Assert.Equal(("task_failed", "no_paper"), (failure.ErrorType, failure.InnerFailure!.ErrorType));
    }
}
