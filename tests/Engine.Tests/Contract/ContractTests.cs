using Polyphony.Contract.Durable;
using Polyphony.Core.Durable;

namespace Polyphony.Engine.Tests.Contract;

public sealed class OrchestrationOnFileTests : OrchestrationContract
{
    protected override Task<IDurableHost> StartAsync(DurableRegistry registry) => EmbeddedHost.StartOnFileAsync(registry);
}

public sealed class OrchestrationInMemoryTests : OrchestrationContract
{
    protected override Task<IDurableHost> StartAsync(DurableRegistry registry) => EmbeddedHost.StartInMemoryAsync(registry);
}

public sealed class TimerOnFileTests : TimerContract
{
    protected override Task<IDurableHost> StartAsync(DurableRegistry registry) => EmbeddedHost.StartOnFileAsync(registry);
}

public sealed class TimerInMemoryTests : TimerContract
{
    protected override Task<IDurableHost> StartAsync(DurableRegistry registry) => EmbeddedHost.StartInMemoryAsync(registry);
}

public sealed class EventOnFileTests : EventContract
{
    protected override Task<IDurableHost> StartAsync(DurableRegistry registry) => EmbeddedHost.StartOnFileAsync(registry);
}

public sealed class EventInMemoryTests : EventContract
{
    protected override Task<IDurableHost> StartAsync(DurableRegistry registry) => EmbeddedHost.StartInMemoryAsync(registry);
}

public sealed class SubOrchestrationOnFileTests : SubOrchestrationContract
{
    protected override Task<IDurableHost> StartAsync(DurableRegistry registry) => EmbeddedHost.StartOnFileAsync(registry);
}

public sealed class SubOrchestrationInMemoryTests : SubOrchestrationContract
{
    protected override Task<IDurableHost> StartAsync(DurableRegistry registry) => EmbeddedHost.StartInMemoryAsync(registry);
}

public sealed class EntityOnFileTests : EntityContract
{
    protected override Task<IDurableHost> StartAsync(DurableRegistry registry) => EmbeddedHost.StartOnFileAsync(registry);
}

public sealed class EntityInMemoryTests : EntityContract
{
    protected override Task<IDurableHost> StartAsync(DurableRegistry registry) => EmbeddedHost.StartInMemoryAsync(registry);
}

public sealed class ClientOnFileTests : ClientContract
{
    protected override Task<IDurableHost> StartAsync(DurableRegistry registry) => EmbeddedHost.StartOnFileAsync(registry);
}

public sealed class ClientInMemoryTests : ClientContract
{
    protected override Task<IDurableHost> StartAsync(DurableRegistry registry) => EmbeddedHost.StartInMemoryAsync(registry);
}

public sealed class PayloadStoreOnFileTests : PayloadStoreContract
{
    protected override Task<IDurableHost> StartAsync(DurableRegistry registry) => EmbeddedHost.StartOnFileAsync(registry);
}

public sealed class PayloadStoreInMemoryTests : PayloadStoreContract
{
    protected override Task<IDurableHost> StartAsync(DurableRegistry registry) => EmbeddedHost.StartInMemoryAsync(registry);
}

public sealed class LedgerOnFileTests : LedgerContract
{
    protected override Task<IDurableHost> StartAsync(DurableRegistry registry) => EmbeddedHost.StartOnFileAsync(registry);
}

public sealed class LedgerInMemoryTests : LedgerContract
{
    protected override Task<IDurableHost> StartAsync(DurableRegistry registry) => EmbeddedHost.StartInMemoryAsync(registry);
}

public sealed class DefinitionStoreOnFileTests : DefinitionStoreContract
{
    protected override Task<IDurableHost> StartAsync(DurableRegistry registry) => EmbeddedHost.StartOnFileAsync(registry);
}

public sealed class DefinitionStoreInMemoryTests : DefinitionStoreContract
{
    protected override Task<IDurableHost> StartAsync(DurableRegistry registry) => EmbeddedHost.StartInMemoryAsync(registry);
}
