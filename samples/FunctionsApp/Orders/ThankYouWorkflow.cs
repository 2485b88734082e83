using System.ComponentModel;
using System.Text.Json;
using Polyphony.Core.CodeFirst;
using Polyphony.Core.Definitions;
using Polyphony.Core.Payloads;

namespace Polyphony.FunctionsApp.Orders;

/// <summary>A workflow in C#: thanks a customer, with the order that a tool finds. Anybody may start it as <c>POST /api/workflows/thank-customer/instances</c>.</summary>
internal static class ThankYouWorkflow
{
    public const string Name = "thank-customer";

    public static WorkflowBuilder Agents => new WorkflowBuilder(Name)
        .Model("fast", "offline")
        .Agent("clerk", "fast", "You write to customers in one or two plain sentences.");

    public static async Task<string> RunAsync(CodeWorkflow workflow, Request input)
    {
        var order = await workflow.CallToolAsync("find_order", JsonSerializer.SerializeToElement(new { id = input.Order }));
        return await workflow.CallAgentAsync<string>(
            "clerk", "Thank {{ order.customer }} for ordering {{ order.item }}.", new Dictionary<string, Payload>(StringComparer.Ordinal) { ["order"] = order });
    }

    /// <summary>What it is given.</summary>
    /// <param name="Order">The order's number.</param>
    public sealed record Request([property: Description("The order's number, such as A17.")] string Order);
}
