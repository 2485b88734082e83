using Polyphony.Contract.Durable;
using Polyphony.Core.Durable;
using Polyphony.DurableFunctions.Tests.Durable;

namespace Polyphony.DurableFunctions.Tests.TaskHubs;

public sealed class OrchestrationStorageTests : OrchestrationContract
{
    protected override Task<IDurableHost> StartAsync(DurableRegistry registry) => AzureStorageTaskHub.StartAsync(registry);
}

public sealed class TimerStorageTests : TimerContract
{
    protected override Task<IDurableHost> StartAsync(DurableRegistry registry) => AzureStorageTaskHub.StartAsync(registry);
}

public sealed class EventStorageTests : EventContract
{
    protected override Task<IDurableHost> StartAsync(DurableRegistry registry) => AzureStorageTaskHub.StartAsync(registry);
}

public sealed class SubOrchestrationStorageTests : SubOrchestrationContract
{
    protected override Task<IDurableHost> StartAsync(DurableRegistry registry) => AzureStorageTaskHub.StartAsync(registry);
}

public sealed class EntityStorageTests : EntityContract
{
    protected override Task<IDurableHost> StartAsync(DurableRegistry registry) => AzureStorageTaskHub.StartAsync(registry);
}

public sealed class ClientStorageTests : ClientContract
{
    protected override Task<IDurableHost> StartAsync(DurableRegistry registry) => AzureStorageTaskHub.StartAsync(registry);
}

public sealed class EventInboxStorageTests : EventInboxContract
{
    protected override Task<IDurableHost> StartAsync(DurableRegistry registry) => AzureStorageTaskHub.StartAsync(registry);
}

public sealed class DurableTaskDifferenceStorageTests : DurableTaskDifferenceContract
{
    protected override Task<IDurableHost> StartAsync(DurableRegistry registry) => AzureStorageTaskHub.StartAsync(registry);
}
