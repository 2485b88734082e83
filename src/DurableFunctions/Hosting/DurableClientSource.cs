using Microsoft.DurableTask.Client;

namespace Polyphony.DurableFunctions.Hosting;

/// <summary>
/// The client that Azure Functions binds to each invocation with a <c>[DurableClient]</c> parameter, for what lives as long as the app. Which of them is used does not matter, as long as it is not one from before
/// the host was restarted: they differ in the links of Durable Functions' own API, which are not used here. Thread-safe.
/// </summary>
internal sealed class DurableClientSource
{
    private volatile DurableTaskClient? _client;

    /// <summary>Gets the client of the latest invocation that has one.</summary>
    /// <exception cref="InvalidOperationException">There was none yet.</exception>
    public DurableTaskClient Client => _client ?? throw new InvalidOperationException(
        "No function with a client of the task hub was called yet. A function that uses WorkflowClient or DurableClient needs a parameter \"[DurableClient] DurableTaskClient client\".");

    /// <summary>Takes the client of an invocation.</summary>
    /// <param name="client">The client.</param>
    public void Use(DurableTaskClient client) => _client = client;
}
