using System.ComponentModel;
using Polyphony.Activities.Tools;

namespace Polyphony.FunctionsApp.Orders;

/// <summary>What workflows and models may do with orders. Made anew for every call, with what it needs from the app's services.</summary>
/// <param name="orders">The orders.</param>
public sealed class OrderTools(OrderBook orders)
{
    /// <summary>Finds an order: the tool <c>find_order</c>.</summary>
    /// <param name="id">Its number.</param>
    /// <returns>The order.</returns>
    /// <exception cref="ToolException">There is none; trying again is no use.</exception>
    [Description("Finds an order by its number.")]
    public Order FindOrder([Description("The number, such as A17.")] string id) => orders.Find(id) ?? throw new ToolException($"There is no order {id}.");
}
