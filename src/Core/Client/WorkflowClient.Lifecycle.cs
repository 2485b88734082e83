using System.Text.Json;
using Polyphony.Core.Durable;
using Polyphony.Core.Durable.History;
using Polyphony.Core.Json;
using Polyphony.Core.Runs;
using Polyphony.Core.Telemetry;

namespace Polyphony.Core.Client;

/// <content>Restart and rewind, with what a workflow needs besides the engine's own part.</content>
public sealed partial class WorkflowClient
{
    /// <summary>Starts a new instance with the workflow, input and tags of a finished one. It runs the definition that the old instance had pinned.</summary>
    /// <param name="instanceId">The id of the finished instance.</param>
    /// <param name="newInstanceId">The new instance's id, or <see langword="null"/> for a new one.</param>
    /// <param name="cancellationToken">Cancels the wait; the start may already have been committed.</param>
    /// <returns>The new instance's id.</returns>
    /// <exception cref="InstanceNotFoundException">There is no such instance.</exception>
    /// <exception cref="InvalidInstanceStatusException">It has not finished.</exception>
    /// <exception cref="InstanceExistsException">The new id was used before.</exception>
    public Task<string> RestartAsync(string instanceId, string? newInstanceId = null, CancellationToken cancellationToken = default) =>
        RestartAsync(instanceId, newInstanceId, null, cancellationToken);

    /// <summary>Starts a new instance as <see cref="RestartAsync(string, string?, CancellationToken)"/> does, or fails with <see cref="QueueFullException"/>.</summary>
    internal async Task<string> RestartAsync(string instanceId, string? newInstanceId, AdmissionLimits? admission, CancellationToken cancellationToken)
    {
        newInstanceId ??= NewInstanceId();
        CheckInstanceId(newInstanceId);
        ReservedIds.Check(newInstanceId);
        var metadata = await client.GetAsync(instanceId, fetchInputsAndOutputs: true, cancellationToken) ?? throw new InstanceNotFoundException(instanceId);

        if (metadata.Name != TaskNames.WorkflowOrchestration
            || metadata.Input is not { } json
            || JsonSerializer.Deserialize(json, CoreJsonContext.Default.WorkflowInput) is not { } run)
        {
            return await client.RestartAsync(instanceId, newInstanceId, cancellationToken);
        }

        if (!metadata.IsFinished)
        {
            throw new InvalidInstanceStatusException(instanceId, metadata.RuntimeStatus, "restart", "Terminate it first, or wait for its end.");
        }

        client.CheckWritable();
        using var start = RunTrace.Start(run.Workflow, newInstanceId);
        await AdmissionLimits.CheckAsync(admission, client, run.Workflow, newInstanceId, cancellationToken);

        // Before the start: the old instance may be purged as soon as the new one runs.
        if (run.Input?.Reference is { } input)
        {
            await payloads.RetainAsync(newInstanceId, [input.Hash], cancellationToken);
        }

        // An instance that continued as new has its state in its input: the new one begins without.
        return await client.StartAsync(
            metadata.Name,
            JsonSerializer.Serialize(run with { State = null, PackedState = null, Trace = RunTrace.ContextOf(start) }, CoreJsonContext.Default.WorkflowInput),
            new StartOrchestrationOptions { InstanceId = newInstanceId, Tags = metadata.Tags, Admission = admission },
            cancellationToken);
    }

    /// <summary>Runs a failed instance again from where it failed; what succeeded is kept.</summary>
    /// <param name="instanceId">The id.</param>
    /// <param name="reason">The reason; kept in the history.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>A task that completes when this is committed.</returns>
    /// <exception cref="InstanceNotFoundException">There is no such instance.</exception>
    /// <exception cref="InvalidInstanceStatusException">It has not failed.</exception>
    public async Task RewindAsync(string instanceId, string? reason = null, CancellationToken cancellationToken = default)
    {
        var metadata = await client.GetAsync(instanceId, fetchInputsAndOutputs: false, cancellationToken) ?? throw new InstanceNotFoundException(instanceId);
        if (metadata.RuntimeStatus == OrchestrationRuntimeStatus.Failed)
        {
            client.CheckWritable();
            await MarkRewoundAsync(metadata, cancellationToken);
        }

        await client.RewindAsync(instanceId, reason, cancellationToken);
    }

    // A workflow fails by an activity that throws, and lets it continue when it finds the marker of that failure. The engine runs failed
    // activities of failed children again as well, so each of them gets its marker. Which failure it is stands in the custom status: not
    // every engine keeps the inputs of activities in the history.
    private async Task MarkRewoundAsync(OrchestrationMetadata failed, CancellationToken cancellationToken)
    {
        if (failed.Name == TaskNames.WorkflowOrchestration
            && failed.CustomStatus is { } json
            && JsonSerializer.Deserialize(json, CoreJsonContext.Default.WorkflowProgress) is { Failures: > 0 } progress)
        {
            await payloads.PutAsync(failed.InstanceId, FailCall.CreateRewindMarker(failed.InstanceId, progress.Failures), cancellationToken);
        }

        var children = new Dictionary<int, string>();
        foreach (var historyEvent in await client.GetHistoryAsync(failed.InstanceId, 0, cancellationToken))
        {
            switch (historyEvent)
            {
                case ExecutionStarted:
                    children.Clear();
                    break;
                case SubOrchestrationCreated created:
                    children[created.TaskId] = created.InstanceId;
                    break;
                case SubOrchestrationCompleted completed:
                    children.Remove(completed.TaskId);
                    break;
            }
        }

        foreach (var child in children.Values)
        {
            if (await client.GetAsync(child, fetchInputsAndOutputs: false, cancellationToken) is { RuntimeStatus: OrchestrationRuntimeStatus.Failed } found)
            {
                await MarkRewoundAsync(found, cancellationToken);
            }
        }
    }
}
