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
