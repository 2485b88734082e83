using Polyphony.Core.Definitions;
using Polyphony.Core.Ledger;
using Polyphony.Core.Payloads;

namespace Polyphony.Hosting.Lifecycle;

/// <summary>The engine's stores, for services that are made before the engine has started. Thread-safe.</summary>
/// <param name="host">The engine.</param>
internal sealed class HostedStores(HostedEngine host) : IPayloadStore, ILedger, IDefinitionStore
{
    private IPayloadStore Payloads => host.Engine.Payloads;

    private ILedger Ledger => host.Engine.Ledger;

    private IDefinitionStore Definitions => host.Engine.Definitions;

    /// <inheritdoc/>
    public Task<string> PutAsync(string instanceId, ReadOnlyMemory<byte> json, CancellationToken cancellationToken = default) => Payloads.PutAsync(instanceId, json, cancellationToken);

    /// <inheritdoc/>
    public Task<ReadOnlyMemory<byte>> GetAsync(string hash, CancellationToken cancellationToken = default) => Payloads.GetAsync(hash, cancellationToken);

    /// <inheritdoc/>
    public Task RetainAsync(string instanceId, IReadOnlyCollection<string> hashes, CancellationToken cancellationToken = default) => Payloads.RetainAsync(instanceId, hashes, cancellationToken);

    /// <inheritdoc/>
    public Task<int> ReleaseAsync(string instanceId, CancellationToken cancellationToken = default) => Payloads.ReleaseAsync(instanceId, cancellationToken);

    /// <inheritdoc/>
    public Task<LedgerEntry> BeginAsync(LedgerRequest request, CancellationToken cancellationToken = default) => Ledger.BeginAsync(request, cancellationToken);

    /// <inheritdoc/>
    public Task<LedgerAnswer> CompleteAsync(string stepId, LedgerAnswer answer, CancellationToken cancellationToken = default) => Ledger.CompleteAsync(stepId, answer, cancellationToken);

    /// <inheritdoc/>
    public Task FailAsync(string stepId, string errorCode, CancellationToken cancellationToken = default) => Ledger.FailAsync(stepId, errorCode, cancellationToken);

    /// <inheritdoc/>
    public Task LeaveUnsettledAsync(string stepId, string errorCode, CancellationToken cancellationToken = default) => Ledger.LeaveUnsettledAsync(stepId, errorCode, cancellationToken);

    /// <inheritdoc/>
    public Task<LedgerEntry?> FindAsync(string instanceId, string stepId, CancellationToken cancellationToken = default) => Ledger.FindAsync(instanceId, stepId, cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<LedgerEntry>> ListAsync(string instanceId, CancellationToken cancellationToken = default) => Ledger.ListAsync(instanceId, cancellationToken);

    /// <inheritdoc/>
    public Task<LedgerTotals> GetTotalsAsync(string? instanceId = null, CancellationToken cancellationToken = default) => Ledger.GetTotalsAsync(instanceId, cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<UsageRow>> ReadUsageAsync(DateOnly from, DateOnly to, CancellationToken cancellationToken = default) => Ledger.ReadUsageAsync(from, to, cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<LedgerEntry>> ListUnsettledAsync(int top, CancellationToken cancellationToken = default) => Ledger.ListUnsettledAsync(top, cancellationToken);

    /// <inheritdoc/>
    public Task RemoveAsync(string instanceId, CancellationToken cancellationToken = default) => Ledger.RemoveAsync(instanceId, cancellationToken);

    /// <inheritdoc/>
    public Task SaveAsync(string hash, string json, CancellationToken cancellationToken = default) => Definitions.SaveAsync(hash, json, cancellationToken);

    /// <inheritdoc/>
    public string? Find(string hash) => Definitions.Find(hash);
}
