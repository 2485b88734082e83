using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Polyphony.Core.Runs;
using Polyphony.DurableFunctions.Durable;
using Polyphony.DurableFunctions.Hosting;

namespace Polyphony.DurableFunctions.Triggers;

/// <summary>The activity functions.</summary>
/// <param name="functions">What they run.</param>
public sealed class ActivityTriggers(AppFunctions functions)
{
    /// <summary>Calls a model.</summary>
    /// <param name="input">The call.</param>
    /// <param name="instanceId">The instance that called.</param>
    /// <param name="client">Used to check whether the instance has ended.</param>
    /// <param name="invocation">The invocation.</param>
    /// <returns>The answer, or the classified error.</returns>
    [Function(TaskNames.Agent)]
    public Task<RawJson?> AgentAsync([ActivityTrigger] RawJson? input, string instanceId, [DurableClient] DurableTaskClient client, FunctionContext invocation) =>
        functions.RunActivityAsync(input, instanceId, client, invocation);

    /// <summary>Calls a tool.</summary>
    /// <param name="input">The call.</param>
    /// <param name="instanceId">The instance that called.</param>
    /// <param name="client">Used to check whether the instance has ended.</param>
    /// <param name="invocation">The invocation.</param>
    /// <returns>The result, or the error.</returns>
    [Function(TaskNames.Tool)]
    public Task<RawJson?> ToolAsync([ActivityTrigger] RawJson? input, string instanceId, [DurableClient] DurableTaskClient client, FunctionContext invocation) =>
        functions.RunActivityAsync(input, instanceId, client, invocation);

    /// <summary>Calls a model for several items of an array at once.</summary>
    /// <param name="input">The calls.</param>
    /// <param name="instanceId">The instance that called.</param>
    /// <param name="client">Used to check whether the instance has ended.</param>
    /// <param name="invocation">The invocation.</param>
    /// <returns>The answers, or the classified errors, in the order of the calls.</returns>
    [Function(TaskNames.AgentBatch)]
    public Task<RawJson?> AgentBatchAsync([ActivityTrigger] RawJson? input, string instanceId, [DurableClient] DurableTaskClient client, FunctionContext invocation) =>
        functions.RunActivityAsync(input, instanceId, client, invocation);

    /// <summary>Calls a tool for several items of an array at once.</summary>
    /// <param name="input">The calls.</param>
    /// <param name="instanceId">The instance that called.</param>
    /// <param name="client">Used to check whether the instance has ended.</param>
    /// <param name="invocation">The invocation.</param>
    /// <returns>The results, or the errors, in the order of the calls.</returns>
    [Function(TaskNames.ToolBatch)]
    public Task<RawJson?> ToolBatchAsync([ActivityTrigger] RawJson? input, string instanceId, [DurableClient] DurableTaskClient client, FunctionContext invocation) =>
        functions.RunActivityAsync(input, instanceId, client, invocation);

    /// <summary>Starts an instance, unless its id was used before.</summary>
    /// <param name="input">The start.</param>
    /// <param name="instanceId">The instance that called.</param>
    /// <param name="client">Starts instances, by <see cref="DurableClientSource"/>.</param>
    /// <param name="invocation">The invocation.</param>
    /// <returns>Nothing.</returns>
    [Function(InstanceStarts.Activity)]
    public Task<RawJson?> StartInstanceAsync([ActivityTrigger] RawJson? input, string instanceId, [DurableClient] DurableTaskClient client, FunctionContext invocation) =>
        functions.RunActivityAsync(input, instanceId, invocation);

    /// <summary>Starts what is due of a schedule.</summary>
    /// <param name="input">How far the schedule is.</param>
    /// <param name="instanceId">The instance that called.</param>
    /// <param name="client">Starts instances, by <see cref="DurableClientSource"/>.</param>
    /// <param name="invocation">The invocation.</param>
    /// <returns>How far it is then.</returns>
    [Function(TaskNames.StartDue)]
    public Task<RawJson?> StartDueAsync([ActivityTrigger] RawJson? input, string instanceId, [DurableClient] DurableTaskClient client, FunctionContext invocation) =>
        functions.RunActivityAsync(input, instanceId, client, invocation);

    /// <summary>Asks for a lock.</summary>
    /// <param name="input">The request.</param>
    /// <param name="instanceId">The instance that called.</param>
    /// <param name="client">Starts the lock's keeper, by <see cref="DurableClientSource"/>.</param>
    /// <param name="invocation">The invocation.</param>
    /// <returns>The keeper.</returns>
    [Function(TaskNames.AskForLock)]
    public Task<RawJson?> AskForLockAsync([ActivityTrigger] RawJson? input, string instanceId, [DurableClient] DurableTaskClient client, FunctionContext invocation) =>
        functions.RunActivityAsync(input, instanceId, client, invocation);

    /// <summary>Looks whether the holder of a lock still runs.</summary>
    /// <param name="input">The instances to look at.</param>
    /// <param name="instanceId">The instance that called.</param>
    /// <param name="client">Reads instances, by <see cref="DurableClientSource"/>.</param>
    /// <param name="invocation">The invocation.</param>
    /// <returns>Those that have ended.</returns>
    [Function(TaskNames.LookAtLock)]
    public Task<RawJson?> LookAtLockAsync([ActivityTrigger] RawJson? input, string instanceId, [DurableClient] DurableTaskClient client, FunctionContext invocation) =>
        functions.RunActivityAsync(input, instanceId, client, invocation);

    /// <summary>Evaluates an expression over values that are in the payload store.</summary>
    /// <param name="input">The call.</param>
    /// <param name="instanceId">The instance that called.</param>
    /// <param name="invocation">The invocation.</param>
    /// <returns>The value.</returns>
    [Function(TaskNames.Evaluate)]
    public Task<RawJson?> EvaluateAsync([ActivityTrigger] RawJson? input, string instanceId, FunctionContext invocation) =>
        functions.RunActivityAsync(input, instanceId, invocation);

    /// <summary>Combines values into one, in the payload store.</summary>
    /// <param name="input">The call.</param>
    /// <param name="instanceId">The instance that called.</param>
    /// <param name="invocation">The invocation.</param>
    /// <returns>The value.</returns>
    [Function(TaskNames.Pack)]
    public Task<RawJson?> PackAsync([ActivityTrigger] RawJson? input, string instanceId, FunctionContext invocation) =>
        functions.RunActivityAsync(input, instanceId, invocation);

    /// <summary>Finds who gets a message that a workflow publishes.</summary>
    /// <param name="input">The call.</param>
    /// <param name="instanceId">The instance that called.</param>
    /// <param name="invocation">The invocation.</param>
    /// <returns>The message, or the error.</returns>
    [Function(TaskNames.Publish)]
    public Task<RawJson?> PublishAsync([ActivityTrigger] RawJson? input, string instanceId, FunctionContext invocation) =>
        functions.RunActivityAsync(input, instanceId, invocation);

    /// <summary>Tells the end of a run to those who trace it.</summary>
    /// <param name="input">How it ended.</param>
    /// <param name="instanceId">The instance that called.</param>
    /// <param name="invocation">The invocation.</param>
    /// <returns>Nothing.</returns>
    [Function(TaskNames.TraceEnd)]
    public Task<RawJson?> TraceEndAsync([ActivityTrigger] RawJson? input, string instanceId, FunctionContext invocation) =>
        functions.RunActivityAsync(input, instanceId, invocation);

    /// <summary>Fails on purpose, so that a failed workflow can be rewound.</summary>
    /// <param name="input">The call.</param>
    /// <param name="instanceId">The instance that called.</param>
    /// <param name="invocation">The invocation.</param>
    /// <returns>Nothing, once the workflow was rewound.</returns>
    [Function(TaskNames.Fail)]
    public Task<RawJson?> FailAsync([ActivityTrigger] RawJson? input, string instanceId, FunctionContext invocation) =>
        functions.RunActivityAsync(input, instanceId, invocation);
}
