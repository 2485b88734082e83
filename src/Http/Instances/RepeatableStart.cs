using System.Text.Json;
using Polyphony.Core.Client;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
using Polyphony.Http.Problems;

namespace Polyphony.Http.Instances;

/// <summary>Starts an instance: with a key once, however often it is asked for.</summary>
internal static class RepeatableStart
{
    private static readonly JsonElement EmptyObject = JsonElement.Parse("{}");

    /// <summary>Starts an instance, or finds the one that the key has started.</summary>
    /// <param name="client">The workflows.</param>
    /// <param name="definition">The workflow to start.</param>
    /// <param name="start">How.</param>
    /// <param name="key">The key, if there is one; its id is taken then.</param>
    /// <param name="admission">The limits on unfinished instances; <see langword="null"/>: what starts is never refused.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>The instance's id, and the instance itself if it existed before.</returns>
    /// <exception cref="InstanceExistsException">The id that was given is another's.</exception>
    /// <exception cref="QueueFullException">The limits don't allow it, and the id is new.</exception>
    /// <exception cref="RequestProblemException">The key was used with another body.</exception>
    public static async Task<(string Id, OrchestrationMetadata? First)> RunAsync(
        WorkflowClient client, WorkflowDefinition definition, StartInstance start, IdempotencyKey? key, AdmissionLimits? admission, CancellationToken cancellationToken)
    {
        var tags = new Dictionary<string, string>(start.Tags ?? new Dictionary<string, string>(), StringComparer.Ordinal);
        if (key is not null)
        {
            tags[IdempotencyKey.Tag] = key.BodyHash;
        }

        try
        {
            var how = new StartWorkflowOptions { InstanceId = key?.InstanceId ?? start.InstanceId, StartAt = start.StartAt, Tags = tags, Limits = start.Limits, Admission = admission };
            return (await client.StartAsync(definition, start.Input ?? EmptyObject, how, cancellationToken), null);
        }
        catch (InstanceExistsException exists) when (key is not null)
        {
            // The engine decided who was first, so requests that race under one key end here too.
            var id = key.InstanceId;
            var first = await client.Durable.GetAsync(id, fetchInputsAndOutputs: false, cancellationToken) ?? throw new InstanceNotFoundException(id);
            return first.Tags.GetValueOrDefault(IdempotencyKey.Tag) == key.BodyHash ? (id, first) : throw Taken(key, exists);
        }
    }

    private static Exception Taken(IdempotencyKey key, InstanceExistsException exists) => key.IsGivenId
        ? exists
        : new RequestProblemException(
            ProblemCodes.IdempotencyKeyReused,
            $"This {IdempotencyKey.Header} was used with another body, for instance \"{key.InstanceId}\". Use a new key for a new request.");
}
