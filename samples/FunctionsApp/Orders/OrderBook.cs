namespace Polyphony.FunctionsApp.Orders;

/// <summary>An order.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Customer">Who ordered.</param>
/// <param name="Item">What was ordered.</param>
/// <param name="State">How far it is.</param>
public sealed record Order(string Id, string Customer, string Item, string State);

/// <summary>The orders. A real app has a database here.</summary>
public sealed class OrderBook
{
    private static readonly Dictionary<string, Order> Orders = new(StringComparer.Ordinal)
    {
        ["A17"] = new Order("A17", "Ada", "a red bicycle", "packed, and picked up on Monday"),
        ["B42"] = new Order("B42", "Grace", "two lamps", "waiting for the supplier"),
    };

    /// <summary>Finds an order.</summary>
    /// <param name="id">Its number.</param>
    /// <returns>The order, or <see langword="null"/>.</returns>
    public Order? Find(string id) => Orders.GetValueOrDefault(id);
}
