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

    /// <summary>Sends an event for an entity, which can't send one itself.</summary>
    /// <param name="context">The orchestration.</param>
    /// <returns>Nothing.</returns>
    [Function(EventSender.Name)]
    public Task<RawJson?> SendEventAsync([OrchestrationTrigger] TaskOrchestrationContext context) => functions.OrchestrateAsync(context);
}
