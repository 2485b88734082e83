using System.Collections.Concurrent;
using System.ComponentModel;
using System.Globalization;
using Polyphony.Activities.Tools;

namespace WebApp;

/// <summary>The orders of the app.</summary>
internal sealed class OrderBook
{
    private readonly ConcurrentDictionary<string, string> _receipts = new(StringComparer.Ordinal);

    /// <summary>Looks an order up.</summary>
    /// <param name="id">Its number.</param>
    /// <returns>What is known of it.</returns>
    public string Find(int id) => $"Order {id} was packed on Monday. It left the warehouse on Tuesday, and arrives on Friday.";

    /// <summary>Pays money back, once for each key.</summary>
    /// <param name="key">The key of the payment.</param>
    /// <param name="id">The order's number.</param>
    /// <param name="amount">How much.</param>
    /// <returns>The receipt.</returns>
    public string Refund(string key, int id, decimal amount) =>
        _receipts.GetOrAdd(key, _ => string.Create(CultureInfo.InvariantCulture, $"Receipt {_receipts.Count + 1}: {amount} euros for order {id}."));
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

    /// <summary>The tool <c>refund</c>. It pays once however often it is called with one key, and so is idempotent.</summary>
    /// <param name="id">The order's number.</param>
    /// <param name="amount">How much, in euros.</param>
    /// <returns>The receipt.</returns>
    [Description("Pays a part of an order's price back.")]
    public string Refund([Description("The order's number.")] int id, [Description("How much, in euros.")] decimal amount) => book.Refund(ToolCallContext.Current!.EffectKey, id, amount);
}
