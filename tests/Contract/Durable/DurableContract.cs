using Polyphony.Core.Durable;
using Polyphony.Core.Durable.History;

namespace Polyphony.Contract.Durable;

/// <summary>The base of the suites: starts hosts, and waits with an end.</summary>
[Trait("Row", "H9")]
public abstract class DurableContract
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Ends waits of a test that hangs, so that it fails with its name.</summary>
    protected static CancellationToken Soon => new CancellationTokenSource(Patience).Token;

    protected abstract Task<IDurableHost> StartAsync(DurableRegistry registry);

    protected static async Task<OrchestrationMetadata> RunAsync(IDurableHost host, string name, string? input = null, string? id = null)
    {
        var instance = await host.Client.StartAsync(name, input, new StartOrchestrationOptions { InstanceId = id }, Soon);
        return await host.Client.WaitForCompletionAsync(instance, Soon);
    }

    /// <summary>Waits until an instance satisfies a condition.</summary>
    protected static async Task<OrchestrationMetadata> UntilAsync(IDurableHost host, string id, Func<OrchestrationMetadata, bool> condition)
    {
        long version = 0;
        while (true)
        {
            var found = await host.Client.WaitForChangeAsync(id, version, Soon);
            if (found is not null && condition(found))
            {
                return found;
            }

            version = found?.Version ?? 0;
        }
    }

    /// <summary>Waits until an entity's state is as expected.</summary>
    protected static async Task UntilStateAsync(IDurableHost host, EntityId entity, string expected)
    {
        for (var end = Soon; ; await Task.Yield())
        {
            var state = await host.Client.GetEntityStateAsync(entity, end);
            if (state == expected)
            {
                return;
            }

            Assert.False(end.IsCancellationRequested, $"The state of {entity} is {state ?? "null"}; expected {expected}.");
        }
    }

    /// <summary>Orchestration <c>o</c> in two versions: it calls activity <c>a</c> or <c>b</c> and then waits for event <c>go</c>. Beside it one, <c>other</c>, that only waits.</summary>
    protected static DurableRegistry Calling(string activity) => new DurableRegistry()
        .AddActivity("a", (_, _) => Task.FromResult<string?>("1"))
        .AddActivity("b", (_, _) => Task.FromResult<string?>("2"))
        .AddOrchestration("other", async (context, _) => await context.WaitForExternalEventAsync("go"))
        .AddOrchestration("o", async (context, _) => await context.CallActivityAsync(activity, null) + await context.WaitForExternalEventAsync("go"));

    protected static async Task<List<HistoryEvent>> HistoryAsync(IDurableHost host, string id) => [.. await host.Client.GetHistoryAsync(id, 0, Soon)];

    protected static string Names(IEnumerable<HistoryEvent> history) => string.Join(' ', history.Select(e => e.GetType().Name));
}
