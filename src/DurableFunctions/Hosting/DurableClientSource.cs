using Microsoft.AspNetCore.Http;
using Microsoft.DurableTask.Client;

namespace Polyphony.DurableFunctions.Hosting;

/// <summary>
/// The client that Azure Functions binds to each invocation, for handlers that live as long as the app. Which of them is used does not
/// matter: they differ in the links of Durable Functions' own API, which are not used here. Thread-safe.
/// </summary>
public sealed class DurableClientSource
{
    private volatile DurableTaskClient? _client;

    /// <summary>Gets the client.</summary>
    /// <exception cref="InvalidOperationException">No function with a client was called yet.</exception>
    public DurableTaskClient Client => _client ?? throw new InvalidOperationException("No function with a [DurableClient] parameter was called yet.");

    /// <summary>Gets a value indicating whether there is a client.</summary>
    internal bool IsKnown => _client is not null;

    /// <summary>Calls a handler in an invocation.</summary>
    /// <param name="client">The client of the invocation.</param>
    /// <param name="handler">The handler.</param>
    /// <returns>Its answer.</returns>
    public Task<IResult> CallAsync(DurableTaskClient client, Func<Task<IResult>> handler)
    {
        _client = client;
        return handler();
    }

    /// <summary>Calls a handler in an invocation that nobody waits for an answer of.</summary>
    /// <param name="client">The client of the invocation.</param>
    /// <param name="handler">The handler.</param>
    /// <returns>A task that completes when it has.</returns>
    public Task CallAsync(DurableTaskClient client, Func<Task> handler)
    {
        _client = client;
        return handler();
    }

    /// <summary>Takes a client.</summary>
    /// <param name="client">The client of an invocation.</param>
    internal void Use(DurableTaskClient client) => _client = client;
}
