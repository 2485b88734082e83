using System.Text;
using System.Text.Json;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;
using Polyphony.Core.Runs;

namespace Polyphony.Core.CodeFirst;

/// <summary>A workflow written in C#: an orchestrator function with agents.</summary>
/// <param name="workflow">Agents, tools, people, time. Everything that takes time must come from here (or from <see cref="CodeWorkflow.Durable"/>).</param>
/// <param name="input">The input; JSON null if there was none.</param>
/// <returns>The output.</returns>
public delegate Task<JsonElement?> CodeWorkflowFunction(CodeWorkflow workflow, JsonElement input);

/// <summary>Registers workflows written in C#, for logic that a file can't express. They use the same agents, activities, ledger and payloads as files do.</summary>
public static class CodeWorkflows
{
    /// <summary>Adds a workflow.</summary>
    /// <param name="registry">The registry.</param>
    /// <param name="name">The name under which it is started.</param>
    /// <param name="agents">Its models, agents and limits, made with <see cref="WorkflowBuilder.BuildAgents"/>.</param>
    /// <param name="function">The function. Deterministic: it is replayed.</param>
    /// <param name="prices">Refuses a limit of money that can't hold right here; by default the first call of a run is refused.</param>
    /// <returns>The registry.</returns>
    /// <exception cref="WorkflowInvalidException">There is a <c>maxCostUsd</c>, and the price of a model is not known (<c>price_unknown</c>).</exception>
    /// <remarks>The activities must find <paramref name="agents"/>: give them an <see cref="OverlayDefinitionStore"/> that holds it.</remarks>
    public static DurableRegistry AddCodeWorkflow(this DurableRegistry registry, string name, WorkflowDefinition agents, CodeWorkflowFunction function, PriceCheck? prices = null)
    {
        if (prices?.CheckAgents(agents) is { Count: > 0 } problems)
        {
            throw new WorkflowInvalidException(problems);
        }

        var plan = new WorkflowPlan(agents);
        return registry.AddOrchestration(name, async (context, input) =>
        {
            using var json = JsonDocument.Parse(Encoding.UTF8.GetBytes(input ?? "null"), JsonLimits.Document);
            var output = await function(new CodeWorkflow(context, plan), json.RootElement.Clone());
            return output?.GetRawText();
        });
    }
}
