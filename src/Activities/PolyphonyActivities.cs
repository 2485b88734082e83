using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.Logging;
using Polyphony.Activities.Agents;
using Polyphony.Activities.Evaluation;
using Polyphony.Activities.Limits;
using Polyphony.Activities.Payloads;
using Polyphony.Activities.Providers;
using Polyphony.Activities.Telemetry;
using Polyphony.Activities.Tools;
using Polyphony.Activities.Topics;
using Polyphony.Core.Client;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;
using Polyphony.Core.Ledger;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;
using Polyphony.Core.Topics;

namespace Polyphony.Activities;

/// <summary>The activities that the interpreter calls: everything that is not deterministic. Thread-safe.</summary>
/// <remarks>
/// Failures that somebody may want to handle come back as a <see cref="CallError"/> in the result. Only <see cref="TaskNames.Fail"/>
/// throws, and so do <see cref="TaskNames.Pack"/> when a value is lost, and all of them when the host stops: then the engine hands the activity out again.
/// </remarks>
internal sealed class PolyphonyActivities
{
    private readonly ModelCallActivity _agent;
    private readonly ToolActivity _tool;
    private readonly BatchActivity _batch;
    private readonly EvaluateActivity _evaluate;
    private readonly PackActivity _pack;
    private readonly FailActivity _fail;
    private readonly PublishActivity _publish;

    /// <summary>Makes the activities.</summary>
    /// <param name="options">The settings.</param>
    /// <param name="payloads">The payload store.</param>
    /// <param name="ledger">The ledger.</param>
    /// <param name="definitions">The pinned definitions.</param>
    /// <param name="models">The models.</param>
    /// <param name="tools">The tools.</param>
    /// <param name="timeProvider">The clock for timeouts.</param>
    /// <param name="loggerFactory">Makes the loggers.</param>
    /// <param name="catalog">The workflows, for their subscriptions; without one nobody subscribes to anything.</param>
    /// <param name="prices">Refuses limits of money that can't hold, in what handles messages.</param>
    /// <param name="endpoints">Which addresses what handles messages may name.</param>
    /// <param name="gates">The limits of the deployments; by default none are known yet.</param>
    /// <exception cref="ArgumentException">An option is out of range; the message lists all that are.</exception>
    public PolyphonyActivities(
        ActivitiesOptions options,
        IPayloadStore payloads,
        ILedger ledger,
        IDefinitionStore definitions,
        IModelRegistry models,
        ToolRegistry tools,
        TimeProvider timeProvider,
        ILoggerFactory loggerFactory,
        IWorkflowCatalog? catalog = null,
        PriceCheck? prices = null,
        EndpointPolicy? endpoints = null,
        DeploymentGates? gates = null)
    {
        options = options.Validated();
        var values = new PayloadValues(payloads, options.PayloadCacheBytes);
        var pinned = DefinitionCache.Of(definitions);
        var log = loggerFactory.ForActivities();
        _agent = new ModelCallActivity(new ConversationBuilder(values, tools, new RunTools(pinned)), pinned, values, ledger, models, options, gates ?? new DeploymentGates(timeProvider), timeProvider, log);
        _tool = new ToolActivity(pinned, values, ledger, tools, options.ToolTimeout, timeProvider, log);
        _batch = new BatchActivity(_agent, _tool, values);
        _evaluate = new EvaluateActivity(pinned, values, log);
        _pack = new PackActivity(values);
        _fail = new FailActivity(payloads);
        var workflows = catalog ?? NoWorkflows.Instance;
        _publish = new PublishActivity(new TopicRouter(workflows, new WorkflowPinning(workflows, definitions, prices, endpoints ?? EndpointPolicy.Default), payloads), values, log);
    }

    /// <summary>Adds the activities to a registry, under the names of <see cref="TaskNames"/>.</summary>
    /// <param name="registry">The registry.</param>
    /// <returns>The registry.</returns>
    public DurableRegistry Register(DurableRegistry registry)
    {
        var json = CoreJsonContext.Default;
        return registry
            .AddActivity(TaskNames.Agent, Function(json.AgentCall, json.AgentCallResult, _agent.RunAsync))
            .AddActivity(TaskNames.Tool, Function(json.ToolCall, json.ToolCallResult, _tool.RunAsync))
            .AddActivity(TaskNames.AgentBatch, Function(json.AgentCallArray, json.AgentCallResultArray, _batch.RunAgentsAsync))
            .AddActivity(TaskNames.ToolBatch, Function(json.ToolCallArray, json.ToolCallResultArray, _batch.RunToolsAsync))
            .AddActivity(TaskNames.Evaluate, Function(json.EvaluateCall, json.EvaluateResult, _evaluate.RunAsync))
            .AddActivity(TaskNames.Pack, Function(json.PackCall, json.Payload, _pack.RunAsync))
            .AddActivity(TaskNames.Publish, Function(json.PublishCall, json.PublishResult, _publish.RunAsync))
            .AddActivity(TaskNames.TraceEnd, (context, input) =>
            {
                TraceEndActivity.Run(Read(json.TracedEnd, context, input));
                return Task.FromResult<string?>(null);
            })
            .AddActivity(TaskNames.Fail, async (context, input) =>
            {
                await _fail.RunAsync(Read(json.FailCall, context, input), context.CancellationToken);
                return null;
            });
    }

    private static ActivityFunction Function<TInput, TOutput>(
        JsonTypeInfo<TInput> inputType, JsonTypeInfo<TOutput> outputType, Func<TInput, CancellationToken, Task<TOutput>> run)
        where TInput : class =>
        async (context, input) => JsonSerializer.Serialize(await run(Read(inputType, context, input), context.CancellationToken), outputType);

    private static TInput Read<TInput>(JsonTypeInfo<TInput> type, ActivityContext context, string? input)
        where TInput : class =>
        (input is null ? null : JsonSerializer.Deserialize(input, type))
        ?? throw new ArgumentException($"Activity \"{context.Name}\" of instance \"{context.InstanceId}\" was called without input; expected {typeof(TInput).Name}.");

    private sealed class NoWorkflows : IWorkflowCatalog
    {
        public static readonly NoWorkflows Instance = new();

        public WorkflowDefinition? Find(string name) => null;

        public IReadOnlyList<WorkflowDefinition> List() => [];
    }
}
