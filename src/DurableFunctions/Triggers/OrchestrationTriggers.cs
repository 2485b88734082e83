using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask;
using Polyphony.Core.Runs;
using Polyphony.DurableFunctions.Durable;
using Polyphony.DurableFunctions.Hosting;

namespace Polyphony.DurableFunctions.Triggers;

/// <summary>The orchestrator functions. A C# workflow runs in the same orchestration.</summary>
/// <param name="functions">What they run.</param>
public sealed class OrchestrationTriggers(AppFunctions functions)
{
    /// <summary>Interprets a workflow, or a sub-workflow.</summary>
    /// <param name="context">The orchestration.</param>
    /// <returns>The result.</returns>
    [Function(TaskNames.WorkflowOrchestration)]
    public Task<RawJson?> WorkflowAsync([OrchestrationTrigger] TaskOrchestrationContext context) => functions.OrchestrateAsync(context);

    /// <summary>Runs a part of the items of a wide <c>forEach</c>.</summary>
    /// <param name="context">The orchestration.</param>
    /// <returns>The result.</returns>
    [Function(TaskNames.ItemsOrchestration)]
    public Task<RawJson?> ItemsAsync([OrchestrationTrigger] TaskOrchestrationContext context) => functions.OrchestrateAsync(context);

    /// <summary>Handles the messages of one subscriber and source.</summary>
    /// <param name="context">The orchestration.</param>
    /// <returns>Nothing: it never ends.</returns>
    [Function(TaskNames.MailboxOrchestration)]
    public Task<RawJson?> MailboxAsync([OrchestrationTrigger] TaskOrchestrationContext context) => functions.OrchestrateAsync(context);

    /// <summary>Waits for the due times of a schedule.</summary>
    /// <param name="context">The orchestration.</param>
    /// <returns>How far it was at its end.</returns>
    [Function(TaskNames.ScheduleOrchestration)]
    public Task<RawJson?> ScheduleAsync([OrchestrationTrigger] TaskOrchestrationContext context) => functions.OrchestrateAsync(context);

    /// <summary>Keeps a lock.</summary>
    /// <param name="context">The orchestration.</param>
    /// <returns>Nothing.</returns>
    [Function(TaskNames.LockOrchestration)]
    public Task<RawJson?> LockAsync([OrchestrationTrigger] TaskOrchestrationContext context) => functions.OrchestrateAsync(context);

    /// <summary>Starts an instance for an entity, unless its id was used before.</summary>
    /// <param name="context">The orchestration.</param>
    /// <returns>Nothing.</returns>
    [Function(InstanceStarts.Name)]
    public Task<RawJson?> StartInstanceAsync([OrchestrationTrigger] TaskOrchestrationContext context) => functions.OrchestrateAsync(context);

    /// <summary>Sends an event for an entity, which can't send one itself.</summary>
    /// <param name="context">The orchestration.</param>
    /// <returns>Nothing.</returns>
    [Function(EventSender.Name)]
    public Task<RawJson?> SendEventAsync([OrchestrationTrigger] TaskOrchestrationContext context) => functions.OrchestrateAsync(context);
}
