using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Polyphony.Core.Client;
using Polyphony.Core.Durable;
using Polyphony.Core.Runs;

namespace Polyphony.Http.Instances;

/// <summary>The status of an instance in the API: the fields of Durable Functions, and those of workflows.</summary>
internal sealed record InstanceStatus
{
    /// <summary>Gets the name of the workflow, or of another orchestration.</summary>
    public required string Name { get; init; }

    /// <summary>Gets the instance's id.</summary>
    public required string InstanceId { get; init; }

    /// <summary>Gets the status of its life cycle.</summary>
    public required OrchestrationRuntimeStatus RuntimeStatus { get; init; }

    /// <summary>Gets the stop reason; only <c>completed</c> is success. Missing until it has ended.</summary>
    public StopReason? StopReason { get; init; }

    /// <summary>Gets the workflow's version.</summary>
    public int? Version { get; init; }

    /// <summary>Gets the hash of the definition that it runs.</summary>
    public string? DefinitionHash { get; init; }

    /// <summary>Gets the parts that could not be read, such as an input that is no longer stored; usually missing.</summary>
    public IReadOnlyList<UnreadablePart>? Unreadable { get; init; }

    /// <summary>Gets the tags that its start gave it; missing if there are none.</summary>
    public IReadOnlyDictionary<string, string>? Tags { get; init; }

    /// <summary>Gets the instance that started it, for a child.</summary>
    public string? ParentInstanceId { get; init; }

    /// <summary>Gets the input.</summary>
    public JsonElement? Input { get; init; }

    /// <summary>Gets the progress.</summary>
    public WorkflowProgress? CustomStatus { get; init; }

    /// <summary>Gets the output, if there is one.</summary>
    public JsonElement? Output { get; init; }

    /// <summary>Gets the values of the state by name: as they are so far, as far as there is space, or at the end.</summary>
    public JsonElement? State { get; init; }

    /// <summary>Gets what went wrong.</summary>
    public WorkflowError? Error { get; init; }

    /// <summary>Gets the usage of its model calls.</summary>
    public Usage Usage { get; init; } = Usage.None;

    /// <summary>Gets how every activation ended, in the order of the graph; with <c>showOutcomes=true</c>, once the instance has ended.</summary>
    public IReadOnlyList<ActivationOutcome>? Outcomes { get; init; }

    /// <summary>Gets the time at which it was accepted.</summary>
    public required DateTimeOffset CreatedTime { get; init; }

    /// <summary>Gets the time of its last committed step.</summary>
    public required DateTimeOffset LastUpdatedTime { get; init; }

    /// <summary>Gets the time at which it ended.</summary>
    public DateTimeOffset? CompletedTime { get; init; }

    /// <summary>Gets a number that increases with every change of this instance.</summary>
    public required long ChangeVersion { get; init; }

    /// <summary>Gets its history, with <c>showHistory=true</c>.</summary>
    public IReadOnlyList<JsonObject>? HistoryEvents { get; init; }

    /// <summary>Makes the document of a status.</summary>
    /// <param name="status">The status.</param>
    /// <param name="request">The request that asks for it, for addresses in it.</param>
    /// <returns>The document.</returns>
    public static InstanceStatus From(WorkflowStatus status, HttpRequest request) => new()
    {
        Name = status.Name,
        InstanceId = status.InstanceId,
        RuntimeStatus = status.RuntimeStatus,
        StopReason = status.StopReason,
        Version = status.Version,
        DefinitionHash = status.DefinitionHash,
        Unreadable = status.Unreadable.Count == 0 ? null : status.Unreadable,
        Tags = status.Tags.Where(tag => tag.Key != IdempotencyKey.Tag).ToDictionary(StringComparer.Ordinal) is { Count: > 0 } tags ? tags : null,
        ParentInstanceId = status.ParentInstanceId,
        Input = status.Input,
        CustomStatus = WithAddresses(status.CustomStatus, status.InstanceId, request),
        Output = status.Output,
        State = status.State,
        Error = status.Error,
        Usage = status.Usage,
        Outcomes = status.Outcomes is null ? null : [.. status.Outcomes.Select(ActivationOutcome.From)],
        CreatedTime = status.CreatedTime,
        LastUpdatedTime = status.LastUpdatedTime,
        CompletedTime = status.CompletedTime,
        ChangeVersion = status.ChangeVersion,
    };

    // Where a question lies is the host's affair; callers get an address.
    private static WorkflowProgress? WithAddresses(WorkflowProgress? progress, string id, HttpRequest request) =>
        progress is null || progress.WaitingFor.All(wait => wait.Question is null && wait.Details is null)
            ? progress
            : progress with
            {
                WaitingFor = [.. progress.WaitingFor.Select(wait => wait.Question is null && wait.Details is null
                    ? wait
                    : wait with { Question = null, Details = null, PromptGetUri = wait.Question is null ? null : InstanceLinks.ApprovalUri(request, wait.InstanceId ?? id, wait.Activation) })],
            };
}
