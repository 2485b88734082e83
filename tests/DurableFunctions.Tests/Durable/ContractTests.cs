using Polyphony.Contract.Durable;
using Polyphony.Core.Durable;

namespace Polyphony.DurableFunctions.Tests.Durable;

public sealed class OrchestrationAdapterTests : OrchestrationContract
{
    protected override Task<IDurableHost> StartAsync(DurableRegistry registry) => InMemoryTaskHub.StartAsync(registry);
}

public sealed class TimerAdapterTests : TimerContract
{
    protected override Task<IDurableHost> StartAsync(DurableRegistry registry) => InMemoryTaskHub.StartAsync(registry);
}

public sealed class EventAdapterTests : EventContract
{
    protected override Task<IDurableHost> StartAsync(DurableRegistry registry) => InMemoryTaskHub.StartAsync(registry);
}

public sealed class SubOrchestrationAdapterTests : SubOrchestrationContract
{
    protected override Task<IDurableHost> StartAsync(DurableRegistry registry) => InMemoryTaskHub.StartAsync(registry);
}

public sealed class EntityAdapterTests : EntityContract
{
    protected override Task<IDurableHost> StartAsync(DurableRegistry registry) => InMemoryTaskHub.StartAsync(registry);
}

public sealed class ClientAdapterTests : ClientContract
{
    protected override Task<IDurableHost> StartAsync(DurableRegistry registry) => InMemoryTaskHub.StartAsync(registry);
}

public sealed class EventInboxTests : EventInboxContract
{
    protected override Task<IDurableHost> StartAsync(DurableRegistry registry) => InMemoryTaskHub.StartAsync(registry);
}

public sealed class DurableTaskDifferenceTests : DurableTaskDifferenceContract
{
    protected override Task<IDurableHost> StartAsync(DurableRegistry registry) => InMemoryTaskHub.StartAsync(registry);
}
