using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Polyphony.Core.Durable;
using Polyphony.DurableFunctions.Durable;

namespace Polyphony.DurableFunctions.Hosting;

/// <summary>Runs the functions of a registry for the app's triggers. Thread-safe.</summary>
/// <param name="registry">The functions by name.</param>
/// <param name="watch">Cancels activities whose instance has ended.</param>
public sealed class AppFunctions(DurableRegistry registry, InstanceWatch watch)
{
    /// <summary>Runs an orchestrator function: that of the orchestration's name.</summary>
    /// <param name="context">The parameter with <c>[OrchestrationTrigger]</c>.</param>
    /// <returns>The output.</returns>
    public Task<RawJson?> OrchestrateAsync(TaskOrchestrationContext context) =>
        OrchestrationContextAdapter.RunAsync(context, registry.Orchestrations[context.Name.Name], context.GetInput<RawJson>());

    /// <summary>Runs an activity function: that of the Azure function's name.</summary>
    /// <param name="input">The parameter with <c>[ActivityTrigger]</c>.</param>
    /// <param name="instanceId">The instance that called it.</param>
    /// <param name="invocation">The invocation.</param>
    /// <returns>The result.</returns>
    public Task<RawJson?> RunActivityAsync(RawJson? input, string instanceId, FunctionContext invocation) =>
        ActivityAdapter.RunAsync(Function(invocation), Context(instanceId, invocation), CancellableCalls.Unwrap(input).Input);

    /// <summary>Runs a long-running activity function: it is cancelled when its instance has ended.</summary>
    /// <param name="input">The parameter with <c>[ActivityTrigger]</c>.</param>
    /// <param name="instanceId">The instance that called it.</param>
    /// <param name="client">The parameter with <c>[DurableClient]</c>.</param>
    /// <param name="invocation">The invocation.</param>
    /// <returns>The result.</returns>
    public Task<RawJson?> RunActivityAsync(RawJson? input, string instanceId, DurableTaskClient client, FunctionContext invocation) =>
        watch.RunAsync(client, Function(invocation), Context(instanceId, invocation), input);

    /// <summary>Runs the operations that are sent to an entity: by the entity's name.</summary>
    /// <param name="dispatcher">The parameter with <c>[EntityTrigger]</c>.</param>
    /// <param name="invocation">The invocation.</param>
    /// <returns>A task that completes when they have run.</returns>
    public Task RunEntityAsync(TaskEntityDispatcher dispatcher, FunctionContext invocation) =>
        dispatcher.DispatchAsync(new EntityAdapter(registry.Entities[invocation.FunctionDefinition.Name], TimeProvider.System));

    private static ActivityContext Context(string instanceId, FunctionContext invocation) =>
        new() { Name = invocation.FunctionDefinition.Name, InstanceId = instanceId, CancellationToken = invocation.CancellationToken };

    private ActivityFunction Function(FunctionContext invocation) => registry.Activities[invocation.FunctionDefinition.Name];
}
