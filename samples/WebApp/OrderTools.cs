using System.ComponentModel;

namespace WebApp;

/// <summary>The orders of the app.</summary>
internal sealed class OrderBook
{
    /// <summary>Looks an order up.</summary>
    /// <param name="id">Its number.</param>
    /// <returns>What is known of it.</returns>
    public string Find(int id) => $"Order {id} was packed on Monday. It left the warehouse on Tuesday, and arrives on Friday.";
}

/// <summary>What workflows and models may do with orders.</summary>
/// <param name="book">The orders.</param>
internal sealed class OrderTools(OrderBook book)
{
    /// <summary>The tool <c>find_order</c>.</summary>
    /// <param name="id">The order's number.</param>
    /// <returns>What is known of it.</returns>
    [Description("Finds an order and says where it is.")]
    public string FindOrder([Description("The order's number.")] int id) => book.Find(id);
}
