using System.Text.Json;
using Polyphony.Core.CodeFirst;
using Polyphony.Core.Definitions;
using Polyphony.Core.Payloads;

namespace Polyphony.FunctionsApp.Orders;

/// <summary>A workflow in C#: thanks a customer, with the order that a tool finds.</summary>
internal static class ThankYouWorkflow
{
    public const string Name = "thank-customer";

    public static readonly WorkflowDefinition Agents = new WorkflowBuilder(Name)
        .Model("fast", "offline")
        .Agent("clerk", "fast", "You write to customers in one or two plain sentences.")
        .BuildAgents();

    public static async Task<JsonElement?> RunAsync(CodeWorkflow workflow, JsonElement input)
    {
        var order = await workflow.CallToolAsync("find_order", JsonSerializer.SerializeToElement(new { id = input.GetProperty("order") }));
        var letter = await workflow.CallAgentAsync(
            "clerk", "Thank {{ order.customer }} for ordering {{ order.item }}.", new Dictionary<string, Payload>(StringComparer.Ordinal) { ["order"] = order });
        return letter.Json;
    }
}
