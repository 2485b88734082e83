using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;
using Polyphony.Core.Ledger;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;
using Polyphony.Core.Telemetry;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Core.Client;

/// <summary>
/// Starts and watches workflows, for the HTTP API, the CLI and C# programs. It checks inputs, pins definitions and keeps large
/// values out of the history; <see cref="DurableClient"/> does the rest. Thread-safe.
/// </summary>
/// <param name="client">The engine's client.</param>
/// <param name="catalog">The workflows that can be started.</param>
/// <param name="definitions">Where pinned definitions are kept.</param>
/// <param name="payloads">Where large values are kept.</param>
/// <param name="prices">Refuses cost limits over models without a price; by default none is refused.</param>
/// <param name="endpoints">Which addresses workflows may name; by default only loopback, without a key.</param>
/// <param name="ledger">Where model calls are recorded; without it, the usage of ended instances is what their runs have counted.</param>
public sealed partial class WorkflowClient(
    DurableClient client, IWorkflowCatalog catalog, IDefinitionStore definitions, IPayloadStore payloads, PriceCheck? prices = null,
    EndpointPolicy? endpoints = null, ILedger? ledger = null)
{
    /// <summary>The tag that holds the workflow's name.</summary>
    public const string WorkflowTag = "workflow";

    /// <summary>The tag that holds the workflow's version.</summary>
    public const string VersionTag = "version";

    /// <summary>The tag that holds the pinned definition's hash.</summary>
    public const string DefinitionTag = "definition";

    private const int MostNamed = 5;

    private static readonly SearchValues<char> IdCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:");

    /// <summary>Gets the engine's client.</summary>
    public DurableClient Durable => client;

    /// <summary>Gets the workflows that can be started.</summary>
    public IWorkflowCatalog Catalog => catalog;

    /// <summary>Gets the check that refuses cost limits over models without a price.</summary>
    public PriceCheck? Prices => prices;

    /// <summary>Gets the ledger, if there is one.</summary>
    public ILedger? Ledger => ledger;

    /// <summary>Gets the addresses that workflows may name.</summary>
    public EndpointPolicy Endpoints { get; } = endpoints ?? EndpointPolicy.Default;

    /// <summary>Gets what checks definitions and keeps them for their instances.</summary>
    internal WorkflowPinning Pinning { get; } = new(catalog, definitions, prices, endpoints ?? EndpointPolicy.Default);

    /// <summary>Gets the payload store.</summary>
    public IPayloadStore Payloads => payloads;

    /// <summary>Checks an instance id given from outside.</summary>
    /// <param name="instanceId">The id.</param>
    /// <exception cref="InstanceIdInvalidException">It is not a valid instance id.</exception>
    public static void CheckInstanceId(string instanceId)
    {
        if (instanceId.Length is 0 or > DurableLimits.MaxInstanceIdLength
            || !char.IsAsciiLetterOrDigit(instanceId[0])
            || instanceId.AsSpan().ContainsAnyExcept(IdCharacters))
        {
            throw new InstanceIdInvalidException(instanceId);
        }
    }

    /// <summary>Starts an instance of a workflow of the catalog.</summary>
    /// <param name="workflow">Its name.</param>
    /// <param name="input">The input.</param>
    /// <param name="options">The options; <see langword="null"/> for the defaults.</param>
    /// <param name="cancellationToken">Cancels the wait; the start may already have been committed.</param>
    /// <returns>The instance's id.</returns>
    /// <exception cref="WorkflowNotFoundException">There is no such workflow.</exception>
    /// <exception cref="WorkflowInvalidException">The workflow, or one that it uses, is not valid, or runs itself (<c>workflow_recursion</c>).</exception>
    /// <exception cref="WorkflowNotStartableException">It has no nodes of its own: it handles messages.</exception>
    /// <exception cref="EndpointNotAllowedException">The workflow, or one that it uses, names an endpoint or a key that the host's settings do not allow.</exception>
    /// <exception cref="SchemaViolationException">The input does not fit the workflow's schema.</exception>
    /// <exception cref="InstanceExistsException">The id was used before.</exception>
    /// <exception cref="QueueFullException">The limits of the options don't allow it.</exception>
    public Task<string> StartAsync(string workflow, JsonElement input, StartWorkflowOptions? options = null, CancellationToken cancellationToken = default) =>
        StartAsync(Resolve(workflow), input, options, cancellationToken);

    /// <summary>Starts an instance of a given definition.</summary>
    /// <param name="definition">The definition; need not be in the catalog, but the workflows that it uses must.</param>
    /// <param name="input">The input.</param>
    /// <param name="options">The options; <see langword="null"/> for the defaults.</param>
    /// <param name="cancellationToken">Cancels the wait; the start may already have been committed.</param>
    /// <returns>The instance's id.</returns>
    /// <inheritdoc cref="StartAsync(string, JsonElement, StartWorkflowOptions?, CancellationToken)"/>
    public async Task<string> StartAsync(WorkflowDefinition definition, JsonElement input, StartWorkflowOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new StartWorkflowOptions();
        var instanceId = options.InstanceId ?? NewInstanceId();
        CheckInstanceId(instanceId);
        ReservedIds.Check(instanceId);
        if (StrictJson.FindProblem(input) is { } problem)
        {
            throw new InvalidJsonException($"The input of workflow \"{definition.Name}\" cannot be accepted: {problem}.");
        }

        if (!definition.IsStartable)
        {
            throw new WorkflowNotStartableException(definition.Name);
        }

        CheckInput(definition, input);
        using var start = RunTrace.Start(definition.Name, instanceId);
        await AdmissionLimits.CheckAsync(options.Admission, client, definition.Name, instanceId, cancellationToken);
        var subWorkflows = await Pinning.PinAsync(definition, options.Limits?.MaxCostUsd is not null, cancellationToken);
        var run = new WorkflowInput
        {
            Workflow = definition.Name,
            DefinitionHash = definition.Hash,
            SubWorkflows = subWorkflows,
            Input = await PutAsync(instanceId, input, cancellationToken),
            Limits = options.Limits,
            Trace = RunTrace.ContextOf(start),
        };
        var tags = new Dictionary<string, string>(options.Tags ?? new Dictionary<string, string>(), StringComparer.Ordinal)
        {
            [WorkflowTag] = definition.Name,
            [VersionTag] = definition.Version.ToString(),
            [DefinitionTag] = definition.Hash,
        };
        return await client.StartAsync(
            TaskNames.WorkflowOrchestration,
            JsonSerializer.Serialize(run, CoreJsonContext.Default.WorkflowInput),
            new StartOrchestrationOptions { InstanceId = instanceId, StartAt = options.StartAt, Tags = tags, Admission = options.Admission },
            cancellationToken);
    }

    /// <summary>Sends an event to an instance. A large payload goes to the payload store, and the event refers to it; see <see cref="EventPayload"/>.</summary>
    /// <param name="instanceId">The instance.</param>
    /// <param name="eventName">The event's name.</param>
    /// <param name="payload">The payload, or <see langword="null"/>.</param>
    /// <param name="cancellationToken">Cancels the wait; the event may already have been committed.</param>
    /// <returns>A task that completes when the event is committed.</returns>
    /// <exception cref="InvalidJsonException">The payload is nested too deeply, or holds half of a surrogate pair.</exception>
    /// <exception cref="InstanceNotFoundException">There is no such instance.</exception>
    /// <exception cref="InvalidInstanceStatusException">It has finished.</exception>
    public async Task RaiseEventAsync(string instanceId, string eventName, JsonElement? payload, CancellationToken cancellationToken = default)
    {
        if (payload is not { } value)
        {
            await client.RaiseEventAsync(instanceId, eventName, null, cancellationToken);
            return;
        }

        if (StrictJson.FindProblem(value) is { } problem)
        {
            throw new InvalidJsonException($"The payload of event \"{eventName}\" cannot be accepted: {problem}.");
        }

        var text = value.GetRawText();
        var json = Encoding.UTF8.GetBytes(text);
        if (!EventPayload.MayBeCarried(value, json))
        {
            // Nothing is stored for an instance that takes no event any more: the engine says why not.
            var found = await client.GetAsync(instanceId, fetchInputsAndOutputs: false, cancellationToken) ?? throw new InstanceNotFoundException(instanceId);
            client.CheckWritable();
            text = found.IsFinished ? null : EventPayload.Write(await StoreAsync(instanceId, value, json, cancellationToken));
        }

        await client.RaiseEventAsync(instanceId, eventName, text, cancellationToken);
    }

    /// <summary>Looks a workflow of the catalog up.</summary>
    /// <param name="workflow">Its name.</param>
    /// <returns>The definition.</returns>
    /// <exception cref="WorkflowNotFoundException">There is no such workflow.</exception>
    /// <exception cref="WorkflowInvalidException">It is not valid.</exception>
    public WorkflowDefinition Resolve(string workflow) => Pinning.Resolve(workflow);

    /// <summary>Checks an input against a workflow's schema.</summary>
    /// <param name="definition">The workflow.</param>
    /// <param name="input">The input.</param>
    /// <exception cref="SchemaViolationException">It does not fit.</exception>
    public static void CheckInput(WorkflowDefinition definition, JsonElement input)
    {
        IReadOnlyList<SchemaViolation> violations = definition.Input?.Validate(input)
            ?? (definition.TakesInput || IsEmpty(input) ? [] : [new SchemaViolation("", $"The workflow takes no input; found {input.ValueKind switch
            {
                JsonValueKind.Object => string.Join(", ", input.EnumerateObject().Take(MostNamed).Select(member => $"\"{member.Name}\"")),
                var kind => $"a value of kind {kind}",
            }}. Describe it in \"input\" of the workflow, or leave it out.")]);
        if (violations.Count > 0)
        {
            throw new SchemaViolationException("input_invalid", $"input of workflow \"{definition.Name}\"", violations);
        }
    }

    /// <summary>Checks which endpoints and keys the models of workflows name.</summary>
    /// <param name="workflows">The workflows.</param>
    /// <param name="origin">Who wrote them.</param>
    /// <exception cref="EndpointNotAllowedException">The host's settings do not allow one; the message lists all.</exception>
    public void CheckEndpoints(IEnumerable<WorkflowDefinition> workflows, DefinitionOrigin origin) => Pinning.CheckEndpoints(workflows, origin);

    /// <summary>Reads the whole of a payload.</summary>
    /// <param name="payload">The payload.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>The value.</returns>
    /// <exception cref="PayloadNotFoundException">It is no longer stored.</exception>
    public Task<JsonElement> ReadAsync(Payload payload, CancellationToken cancellationToken = default) =>
        PayloadReader.ReadAsync(payloads, payload, cancellationToken).AsTask();

    private static bool IsEmpty(JsonElement input) => input.ValueKind switch
    {
        JsonValueKind.Null or JsonValueKind.Undefined => true,
        JsonValueKind.Object => !input.EnumerateObject().Any(),
        _ => false,
    };

    // An id that nobody gave: random, since it must not collide with anybody's. Clients are not orchestrator code.
    private static string NewInstanceId() => RandomNumberGenerator.GetHexString(20, lowercase: true);

    private async Task<Payload> PutAsync(string instanceId, JsonElement value, CancellationToken cancellationToken)
    {
        var json = Encoding.UTF8.GetBytes(value.GetRawText());
        return Payload.MayBeInline(json) ? Payload.Inline(value.Clone()) : await StoreAsync(instanceId, value, json, cancellationToken);
    }

    private async Task<Payload> StoreAsync(string instanceId, JsonElement value, byte[] json, CancellationToken cancellationToken) =>
        new() { Reference = PayloadReader.Describe(await payloads.PutAsync(instanceId, json, cancellationToken), json.Length, value) };
}
