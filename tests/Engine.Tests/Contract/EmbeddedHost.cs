using Polyphony.Contract.Durable;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
using Polyphony.Core.Ledger;
using Polyphony.Core.Payloads;
using Polyphony.Engine.Simulation;
using Polyphony.Engine.Storage;

namespace Polyphony.Engine.Tests.Contract;

/// <summary>The embedded engine as the suites see it: on a file with the system's clock, or in memory with a clock that skips.</summary>
internal sealed class EmbeddedHost : IDurableHost
{
    private readonly string? _folder;
    private readonly SkippingClock? _clock;
    private readonly Store? _store;
    private DurableRegistry _registry;
    private EmbeddedEngine _engine = null!;

    private EmbeddedHost(string? folder, DurableRegistry registry)
    {
        _folder = folder;
        _registry = registry;
        if (folder is null)
        {
            _clock = new SkippingClock();
            _store = Store.Open(null, Durability.Full);
        }
    }

    public DurableClient Client => _engine.Client;

    public IPayloadStore Payloads => _engine.Payloads;

    public ILedger Ledger => _engine.Ledger;

    public IDefinitionStore Definitions => _engine.Definitions;

    public TimeSpan ShortWait => _clock is null ? TimeSpan.FromMilliseconds(40) : TimeSpan.FromDays(3);

    public static async Task<IDurableHost> StartInMemoryAsync(DurableRegistry registry) => await StartAsync(new EmbeddedHost(null, registry));

    public static async Task<IDurableHost> StartOnFileAsync(DurableRegistry registry) =>
        await StartAsync(new EmbeddedHost(Directory.CreateTempSubdirectory("polyphony-").FullName, registry));

    public async Task RestartAsync(DurableRegistry? registry = null, bool crash = false)
    {
        _registry = registry ?? _registry;
        if (crash)
        {
            _engine.Abandon();
        }
        else
        {
            await _engine.DisposeAsync();
        }

        await OpenAsync();
    }

    public IDisposable HoldTime() => _clock?.Hold() ?? new MemoryStream();

    public async ValueTask DisposeAsync()
    {
        await _engine.DisposeAsync();
        _store?.Dispose();
        if (_folder is not null)
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    private static async Task<IDurableHost> StartAsync(EmbeddedHost host)
    {
        await host.OpenAsync();
        return host;
    }

    private async Task OpenAsync() => _engine = _store is null
        ? await EmbeddedEngine.StartAsync(new EngineOptions { Path = Path.Combine(_folder!, "data.db") }, _registry)
        : EmbeddedEngine.StartOver(_store, EngineOptions.InMemory(_clock), _registry);
}
