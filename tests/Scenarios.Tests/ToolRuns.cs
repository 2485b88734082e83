using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging.Abstractions;
using Polyphony.Activities;
using Polyphony.Activities.Tools;
using Polyphony.Core.Client;
using Polyphony.Core.Durable;
using Polyphony.Core.Runs;
using Polyphony.Engine.Simulation;
using Polyphony.TestKit.Workflows;

namespace Polyphony.Scenarios.Tests;

/// <summary>Runs whose agent calls a tool.</summary>
internal static class ToolRuns
{
    /// <summary>Lets a model call a tool, all calls in one answer, and then say what came of them. One without tools says "added".</summary>
    public static void Script(TestModels models, string tool, params Dictionary<string, object?>[] calls) => models.Respond = (_, messages, options, _) =>
    {
        var results = messages.Where(message => message.Role == ChatRole.Tool).Select(message => ((FunctionResultContent)message.Contents[0]).Result!.ToString()).ToList();
        return Task.FromResult(options?.Tools is not { Count: > 0 } || results.Count > 0
            ? TestModels.Text(results.Count > 0 ? string.Join('|', results) : "added")
            : new ChatResponse(new ChatMessage(ChatRole.Assistant, [.. calls.Select((arguments, i) => new FunctionCallContent($"c{i}", tool, arguments))])) { FinishReason = ChatFinishReason.ToolCalls });
    };

    /// <summary>Runs a workflow in a simulation, and answers all its questions with their own text.</summary>
    public static (WorkflowStatus Status, IReadOnlyList<string> Children, int Commits) Simulate(SimulationOptions options, TestModels models, string workflow, string[] others)
    {
        WorkflowStatus? status = null;
        IReadOnlyList<string> children = [];
        var result = SeededSimulation.Run(
            options,
            (simulation, engine, registry) =>
            {
                new PolyphonyActivities(new ActivitiesOptions(), engine.Payloads, engine.Ledger, engine.Definitions, models, new ToolRegistry(), simulation.Clock, NullLoggerFactory.Instance).Register(registry);
                registry.AddWorkflows(engine.Definitions, new InterpreterOptions { OperationsPerGeneration = 8 });
            },
            async simulation =>
            {
                await SimulatedCalls.UntilTakenAsync(async () =>
                {
                    try
                    {
                        await Client().StartAsync(TestHost.Parse(workflow), TestHost.Json(null), new StartWorkflowOptions { InstanceId = "run" });
                    }
                    catch (InstanceExistsException)
                    {
                        // Started before a crash.
                    }
                });
                for (var version = 0L; status is not { IsFinished: true };)
                {
                    version = (await simulation.Client.WaitForChangeAsync("run", version))!.Version;
                    status = await Client().GetAsync("run");
                    foreach (var wait in status?.CustomStatus?.WaitingFor ?? [])
                    {
                        // At most once for each change: whatever comes twice finds nobody who waits.
                        await SimulatedCalls.UntilTakenOrEndedAsync(() => Client().RaiseEventAsync("run", wait.EventName!, JsonSerializer.SerializeToElement(wait.Prompt)));
                    }
                }

                await SimulatedCalls.UntilTakenAsync(async () => children = [.. (await simulation.Client.QueryAsync(new OrchestrationQuery { IncludeChildren = true })).Instances.Select(each => each.InstanceId).Where(id => id != "run").Order(StringComparer.Ordinal)]);

                WorkflowClient Client() => new(simulation.Client, new MapCatalog([.. others.Select(TestHost.Parse)]), simulation.Definitions, simulation.Payloads);
            });
        return (status!, children, result.Commits);
    }
}
