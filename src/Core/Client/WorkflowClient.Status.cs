using System.Text.Json;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;
using Polyphony.Core.Ledger;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Client;

/// <content>Reading instances.</content>
public sealed partial class WorkflowClient
{
    /// <summary>Reads an instance.</summary>
    /// <param name="instanceId">The id.</param>
    /// <param name="options">What to read.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>The instance, or <see langword="null"/> if there is none.</returns>
    public async Task<WorkflowStatus?> GetAsync(string instanceId, WorkflowStatusOptions? options = null, CancellationToken cancellationToken = default)
    {
        if (await client.GetAsync(instanceId, fetchInputsAndOutputs: true, cancellationToken) is not { } metadata)
        {
            return null;
        }

        var status = await ReadStatusAsync(metadata, options ?? new WorkflowStatusOptions(), cancellationToken);
        if (status is { IsFinished: false, CustomStatus: { } progress } && PartProgress.IsDivided(progress))
        {
            progress = await PartProgress.AddAsync(client, instanceId, progress, cancellationToken);
            return status with { CustomStatus = progress, Usage = progress.Usage, HasItemsInChildren = true };
        }

        status = await LockWaits.AddAsync(client, status with { CustomStatus = PartProgress.Without(status.CustomStatus) }, cancellationToken);
        return status is { IsFinished: true, ParentInstanceId: null } && ledger is not null
            ? status with { Usage = Charged(status.Usage, await ledger.GetTotalsAsync(instanceId, cancellationToken)) }
            : status;
    }

    /// <summary>Turns the engine's record of an instance into what users see. Records without input and output give a status without them.</summary>
    /// <param name="metadata">The engine's record.</param>
    /// <param name="options">What to read.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>The status.</returns>
    public async Task<WorkflowStatus> DescribeAsync(OrchestrationMetadata metadata, WorkflowStatusOptions options, CancellationToken cancellationToken = default)
    {
        var status = await ReadStatusAsync(metadata, options, cancellationToken);
        return status with { CustomStatus = PartProgress.Without(status.CustomStatus) };
    }

    private async Task<WorkflowStatus> ReadStatusAsync(OrchestrationMetadata metadata, WorkflowStatusOptions options, CancellationToken cancellationToken)
    {
        var isWorkflow = metadata.Name == TaskNames.WorkflowOrchestration;
        var status = new WorkflowStatus
        {
            InstanceId = metadata.InstanceId,
            Name = metadata.Tags.GetValueOrDefault(WorkflowTag) ?? metadata.Name,
            Version = metadata.Tags.TryGetValue(VersionTag, out var version) && int.TryParse(version, out var number) ? number : null,
            DefinitionHash = metadata.Tags.GetValueOrDefault(DefinitionTag),
            RuntimeStatus = metadata.RuntimeStatus,
            Tags = metadata.Tags.Where(tag => tag.Key is not (WorkflowTag or VersionTag or DefinitionTag)).ToDictionary(StringComparer.Ordinal),
            ParentInstanceId = metadata.ParentInstanceId,
            CreatedTime = metadata.CreatedTime,
            LastUpdatedTime = metadata.LastUpdatedTime,
            CompletedTime = metadata.CompletedTime,
            ChangeVersion = metadata.Version,
            Error = metadata.FailureDetails is { } failure ? new WorkflowError(null, failure.ErrorType, failure.ErrorMessage) : null,
            StopReason = metadata.RuntimeStatus switch
            {
                OrchestrationRuntimeStatus.Completed when !isWorkflow => StopReason.Completed,
                OrchestrationRuntimeStatus.Failed => StopReason.Failed,
                OrchestrationRuntimeStatus.Terminated => StopReason.Cancelled,
                _ => null,
            },
        };
        var parts = new StatusParts();
        status = isWorkflow
            ? await DescribeWorkflowAsync(status, metadata, options, parts, cancellationToken)
            : status with
            {
                Input = options.Input && metadata.Input is { } input ? await parts.ReadAsync("input", () => Parse(input)) : null,
                Output = options.Output && metadata.Output is { } output ? await parts.ReadAsync("output", () => Parse(output)) : null,
            };
        return status with { Unreadable = parts.Unreadable };
    }

    private async Task<WorkflowStatus> DescribeWorkflowAsync(
        WorkflowStatus status, OrchestrationMetadata metadata, WorkflowStatusOptions options, StatusParts parts, CancellationToken cancellationToken)
    {
        var progress = parts.Read("customStatus", () => metadata.CustomStatus is { } custom ? JsonSerializer.Deserialize(custom, CoreJsonContext.Default.WorkflowProgress) : null);
        status = status with { CustomStatus = progress is null ? null : progress with { Result = null, State = null }, Usage = progress?.Usage ?? Usage.None };

        // A child is started without tags: what it runs stands in its input.
        if (parts.Read("input", () => metadata.Input is { } inputJson ? JsonSerializer.Deserialize(inputJson, CoreJsonContext.Default.WorkflowInput) : null) is { } run)
        {
            status = status with
            {
                Name = run.Workflow,
                DefinitionHash = run.DefinitionHash,
                Input = options.Input ? await ReadPartAsync("input", run.Input, parts, cancellationToken) : null,
            };
        }

        if (parts.Read("result", () => ResultOf(metadata, progress)) is not { } result)
        {
            return options.Output && progress?.State is { } soFar ? status with { State = await parts.ReadAsync("state", () => ReadStateAsync(soFar, cancellationToken)) } : status;
        }

        return status with
        {
            StopReason = result.StopReason,
            Error = result.Error ?? status.Error,
            Usage = result.Usage,
            Output = options.Output ? await ReadPartAsync("output", result.Output, parts, cancellationToken) : null,
            State = options.Output && result.State is { } state ? await parts.ReadAsync("state", () => ReadStateAsync(state, cancellationToken)) : null,
            Outcomes = options.Outcomes ? await ReadOutcomesAsync(result, parts, cancellationToken) : null,
        };
    }

    /// <summary>Gets how a workflow ended. One that failed has no output; what it reached stands in its custom status.</summary>
    private static WorkflowResult? ResultOf(OrchestrationMetadata metadata, WorkflowProgress? progress) => metadata.RuntimeStatus switch
    {
        OrchestrationRuntimeStatus.Completed when metadata.Output is { } output => JsonSerializer.Deserialize(output, CoreJsonContext.Default.WorkflowResult),
        OrchestrationRuntimeStatus.Failed => progress?.Result,
        _ => null,
    };

    private async Task<JsonElement?> ReadPartAsync(string part, Payload? payload, StatusParts parts, CancellationToken cancellationToken) =>
        payload is null ? null : await parts.ReadAsync(part, () => ReadAsync(payload, cancellationToken));

    /// <summary>Reads the values of a state.</summary>
    /// <param name="state">The values by name.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>An object with them.</returns>
    internal Task<JsonElement> ReadStateAsync(IReadOnlyDictionary<string, Payload> state, CancellationToken cancellationToken) =>
        ReadStateAsync(state.ToDictionary(pair => pair.Key, pair => (IReadOnlyList<Payload>)[pair.Value], StringComparer.Ordinal), cancellationToken);

    /// <summary>Reads the values of a state that are in parts: arrays to be joined, or objects.</summary>
    private async Task<JsonElement> ReadStateAsync(IReadOnlyDictionary<string, IReadOnlyList<Payload>> state, CancellationToken cancellationToken)
    {
        var values = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var (name, payloads) in state.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            var parts = new List<JsonElement>();
            foreach (var payload in payloads)
            {
                parts.Add(await ReadAsync(payload, cancellationToken));
            }

            values[name] = parts is [var one] ? one : StateReducers.Join(parts);
        }

        return JsonSerializer.SerializeToElement(values, CoreJsonContext.Default.DictionaryStringJsonElement);
    }

    /// <summary>An answer that came when nobody waited for it any more was paid all the same, and a call that was never answered may be.</summary>
    private static Usage Charged(Usage counted, LedgerTotals recorded)
    {
        var usage = recorded.Steps > counted.ModelCalls
            ? counted with { ModelCalls = (int)recorded.Steps, InputTokens = recorded.InputTokens, OutputTokens = recorded.OutputTokens, CostUsd = recorded.CostUsd }
            : counted;
        return usage with { Unsettled = recorded.Unsettled };
    }

    private async Task<IReadOnlyList<OutcomeStatus>?> ReadOutcomesAsync(WorkflowResult result, StatusParts parts, CancellationToken cancellationToken)
    {
        IReadOnlyList<Payload>? lists = result.Outcomes is { } whole ? [whole] : result.OutcomeLists;
        if (lists is null)
        {
            return null;
        }

        var outcomes = new List<Outcome>();
        foreach (var list in lists)
        {
            if (await parts.ReadAsync("outcomes", () => ReadAsync(list, cancellationToken)) is { } json)
            {
                outcomes.AddRange(parts.Read("outcomes", () => json.Deserialize(CoreJsonContext.Default.ListOutcome)) ?? []);
            }
        }

        var read = new List<OutcomeStatus>(outcomes.Count);
        foreach (var outcome in outcomes.OrderBy(outcome => outcome.Order, StringComparer.Ordinal))
        {
            read.Add(new OutcomeStatus(
                outcome with { Result = null },
                await ReadPartAsync("outcomes", outcome.Result, parts, cancellationToken)));
        }

        return read;
    }

    private static Task<JsonElement> Parse(string json) => Task.FromResult(JsonDocument.Parse(json, JsonLimits.Document).RootElement);
}
