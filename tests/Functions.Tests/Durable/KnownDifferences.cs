using Xunit.v3;

namespace Polyphony.Functions.Tests.Durable;

/// <summary>The tests of the contract suites that this host can't pass, and why. A test that is not named here must pass.</summary>
internal static class KnownDifferences
{
    private const string NoEntities = "The in-process test host has no entities; EntityOperationTests runs the adapter on operations of its own.";
    private const string NoRewind = "The in-process test host can't rewind; DurableClientTests shows what is asked of Durable Task.";
    private const string NoStartAt = "The in-process test host starts everything at once; DurableClientTests shows what is asked of Durable Task.";
    private const string NoIdCheck = "The in-process test host starts a child over a finished instance of its id; whether the id is free is the storage provider's to check.";
    private const string NoCarriedEvents = "The in-process test host loses the events that continue-as-new carries over.";
    private const string OneGeneration = "Differs on Durable Task by design: it keeps the history of the current generation only. See DurableTaskDifferenceTests.";
    private const string Replay = "Differs on Durable Task by design: a replay that differs fails the instance. See DurableTaskDifferenceTests.";

    // By test, or by test and first argument.
    private static readonly Dictionary<string, string> Reasons = new(StringComparer.Ordinal)
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
        ["TimerContract.Start_WithStartAt_TakesItsFirstStepThen"] = NoStartAt,
        ["TimerContract.Start_WithStartAt_EventsAndResumeBeforeDoNotStartIt"] = NoStartAt,
        ["SubOrchestrationContract.CallSubOrchestration_CannotStart_FailsTheTask(taken)"] = NoIdCheck,
        ["EventInboxTests.ContinueAsNew_AfterACancelledWait_EventsReachTheNextGenerationWhenAsked(True)"] = NoCarriedEvents,
        ["EventContract.ContinueAsNew_UnprocessedEvents_MoveOnWhenAsked"] = OneGeneration,
        ["OrchestrationContract.ContinueAsNew_ManyGenerations_HistoryOfAllIsReadable"] = OneGeneration,
        ["OrchestrationContract.Replay_CodeChanged_StopsThatInstanceUntilTheCodeIsBack"] = Replay,
        ["OrchestrationContract.Replay_NameNoLongerRegistered_StopsThatInstanceUntilItIs"] = Replay,
    };

    /// <summary>Skips the running test if it is among them.</summary>
    public static void Skip()
    {
        if (TestContext.Current.Test?.TestCase is IXunitTestCase { TestMethod: { } method })
        {
            var name = $"{method.Method.DeclaringType!.Name}.{method.MethodName}";
            var argument = (TestContext.Current.Test as IXunitTest)?.TestMethodArguments is [var first, ..] ? $"{name}({first})" : name;
            Assert.SkipWhen(Reasons.TryGetValue(name, out var reason) || Reasons.TryGetValue(argument, out reason), reason ?? "");
        }
    }
}
