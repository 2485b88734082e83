using Xunit.v3;

namespace Polyphony.DurableFunctions.Tests.Durable;

/// <summary>The tests of the contract suites that a host can't pass, and why. A test that is not named here must pass.</summary>
internal sealed class KnownDifferences
{
    private const string NoEntities = "The in-process test host has no entities in memory; they run on Azure Storage, and EntityOperationTests runs the adapter on operations of its own.";
    private const string NoRewind = "The in-process test host can't rewind in memory; AzureStorageDifferenceTests and DurableClientTests show it.";
    private const string RewindTakesAll = "Azure Storage takes back all failures of an instance, also those that it has handled; so a workflow has one only (docs/adr/0006-failing-and-rewind.md).";
    private const string RewindIsNotNoted = "Azure Storage notes a rewind by rewriting the history. See AzureStorageDifferenceTests.";
    private const string NoIdCheck = "Neither the in-process test host nor the storage provider checks the id of a child: it is started over a finished instance.";
    private const string NoCause = "Azure Storage keeps of a failed instance its type and message, not the cause. See AzureStorageDifferenceTests.";
    private const string OneGeneration = "Differs on Durable Task by design: it keeps the history of the current generation only. See DurableTaskDifferenceTests.";
    private const string Replay = "Differs on Durable Task by design: a replay that differs fails the instance. See DurableTaskDifferenceTests.";

    // By test, or by test and first argument.
    private static readonly Dictionary<string, string> OnEveryStorage = new(StringComparer.Ordinal)
    {
        ["SubOrchestrationContract.CallSubOrchestration_CannotStart_FailsTheTask(taken)"] = NoIdCheck,
        ["EventContract.ContinueAsNew_UnprocessedEvents_MoveOnWhenAsked"] = OneGeneration,
        ["OrchestrationContract.ContinueAsNew_ManyGenerations_HistoryOfAllIsReadable"] = OneGeneration,
        ["OrchestrationContract.Replay_CodeChanged_StopsThatInstanceUntilTheCodeIsBack"] = Replay,
        ["OrchestrationContract.Replay_NameNoLongerRegistered_StopsThatInstanceUntilItIs"] = Replay,
    };

    private readonly Dictionary<string, string> _reasons;

    private KnownDifferences(Dictionary<string, string> reasons) => _reasons = new(OnEveryStorage.Concat(reasons), StringComparer.Ordinal);

    /// <summary>Gets those of the test host on its own storage, in memory.</summary>
    public static KnownDifferences InMemory { get; } = new(new(StringComparer.Ordinal)
    {
        ["EntityContract.Signal_ManyAtOnce_EachCountsOnce"] = NoEntities,
        ["EntityContract.CallEntity_FromManyInstances_TakesTurns"] = NoEntities,
        ["EntityContract.CallEntity_OperationThrows_LeavesStateAndSendsNothing"] = NoEntities,
        ["EntityContract.CallEntity_NotRegistered_FailsTheTask"] = NoEntities,
        ["EntityContract.Operation_SendsSignalEventAndStart_AllArriveOnce"] = NoEntities,
        ["EntityContract.State_SetToNull_DeletesTheEntity"] = NoEntities,
        ["EntityContract.Restart_State_IsKept"] = NoEntities,
        ["ClientContract.Rewind_FailedActivity_RunsItAgainAndKeepsTheRest"] = NoRewind,
        ["ClientContract.Rewind_AfterHandledFailures_TakesBackTheLastOnly"] = NoRewind,
        ["ClientContract.Rewind_FailedChild_IsRewoundToo"] = NoRewind,
    });

    /// <summary>Gets those of the test host on Azure Storage.</summary>
    public static KnownDifferences OnAzureStorage { get; } = new(new(StringComparer.Ordinal)
    {
        ["OrchestrationContract.CallActivity_NotRegistered_FailsTheTaskWithItsCode"] = NoCause,
        ["EntityContract.CallEntity_NotRegistered_FailsTheTask"] = NoCause,
        ["OrchestrationContract.Payload_AboveTheLimit_IsRefused"] = NoCause,
        ["SubOrchestrationContract.Terminate_Child_FailsTheParentsTask"] = NoCause,
        ["ClientContract.Rewind_FailedActivity_RunsItAgainAndKeepsTheRest"] = RewindIsNotNoted,
        ["ClientContract.Rewind_AfterHandledFailures_TakesBackTheLastOnly"] = RewindTakesAll,
    });

    /// <summary>Skips the running test if it is among them.</summary>
    public void Skip()
    {
        if (TestContext.Current.Test?.TestCase is IXunitTestCase { TestMethod: { } method })
        {
            var name = $"{method.Method.DeclaringType!.Name}.{method.MethodName}";
            var argument = (TestContext.Current.Test as IXunitTest)?.TestMethodArguments is [var first, ..] ? $"{name}({first})" : name;
            Assert.SkipWhen(_reasons.TryGetValue(name, out var reason) || _reasons.TryGetValue(argument, out reason), reason ?? "");
        }
    }
}
