using Microsoft.Extensions.AI;
using Polyphony.Activities.Providers;
using Polyphony.Core.Client;
using Polyphony.Core.Runs;

namespace Polyphony.Activities.Limits;

/// <summary>
/// The gates of all deployments that this process calls, for all its runs. A deployment is an address with a model and a key, whatever aliases lead there. Thread-safe.
/// </summary>
internal sealed class DeploymentGates(TimeProvider timeProvider) : IDeployments
{
    private const int TidyAbove = 1_000;

    private readonly Lock _lock = new();
    private readonly Dictionary<Deployment, DeploymentGate> _gates = [];

    /// <summary>Lets a call out, or says what holds it back.</summary>
    /// <param name="model">The model.</param>
    /// <param name="step">The call's step.</param>
    /// <param name="longest">The longest wait for which a place is kept; <see langword="null"/>: any.</param>
    /// <returns>What holds it back; <see langword="null"/>: it may go out, and <see cref="Leave"/>, <see cref="Fail"/> or <see cref="Cancel"/> follows.</returns>
    public HeldCall? Enter(ResolvedModel model, string step, TimeSpan? longest)
    {
        lock (_lock)
        {
            var hasLimits = model.Definition is { RequestsPerMinute: not null } or { TokensPerMinute: not null };
            var gate = hasLimits ? GateOf(model) : _gates.GetValueOrDefault(Deployment.Of(model));
            return gate?.Enter(step, model.Definition, longest, timeProvider.GetUtcNow());
        }
    }

    /// <summary>Books what an answered call has used.</summary>
    /// <param name="model">The model.</param>
    /// <param name="step">The call's step.</param>
    /// <param name="tokens">The tokens, in and out.</param>
    /// <returns>Whether it is the first answer after failures for which nothing went out.</returns>
    public bool Leave(ResolvedModel model, string step, long tokens)
    {
        lock (_lock)
        {
            return _gates.GetValueOrDefault(Deployment.Of(model))?.Leave(step, tokens) == true;
        }
    }

    /// <summary>Books that a call has failed, and lets nothing out to the deployment for as long as its provider has asked, or if it fails every call.</summary>
    /// <param name="model">The model.</param>
    /// <param name="step">The call's step.</param>
    /// <param name="error">The failure.</param>
    /// <returns>Until when nothing goes out, if it is because every call fails, and from now on.</returns>
    public DateTimeOffset? Fail(ResolvedModel model, string step, CallError error)
    {
        lock (_lock)
        {
            var gate = error.Kind == ErrorKind.Terminal ? _gates.GetValueOrDefault(Deployment.Of(model)) : GateOf(model);
            return gate?.Fail(step, error, timeProvider.GetUtcNow());
        }
    }

    /// <summary>Books that a call was cancelled.</summary>
    /// <param name="model">The model.</param>
    /// <param name="step">The call's step.</param>
    public void Cancel(ResolvedModel model, string step)
    {
        lock (_lock)
        {
            _gates.GetValueOrDefault(Deployment.Of(model))?.Cancel(step);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<DeploymentUse> List()
    {
        lock (_lock)
        {
            var now = timeProvider.GetUtcNow();
            return
            [
                .. _gates.Where(pair => !pair.Value.IsIdle(now)).Select(pair => pair.Value.Describe(pair.Key.Describe(), now))
                    .OrderBy(use => use.Provider, StringComparer.Ordinal).ThenBy(use => use.Endpoint, StringComparer.Ordinal).ThenBy(use => use.Model, StringComparer.Ordinal),
            ];
        }
    }

    private DeploymentGate GateOf(ResolvedModel model)
    {
        var deployment = Deployment.Of(model);
        if (_gates.TryGetValue(deployment, out var gate))
        {
            return gate;
        }

        if (_gates.Count >= TidyAbove)
        {
            // Names come from workflows, of which there may be any number over time.
            var now = timeProvider.GetUtcNow();
            foreach (var idle in _gates.Where(pair => pair.Value.IsIdle(now)).Select(pair => pair.Key).ToList())
            {
                _gates.Remove(idle);
            }
        }

        return _gates[deployment] = new DeploymentGate();
    }

    private readonly record struct Deployment(string Provider, Uri? Endpoint, string Model, string? Key)
    {
        public static Deployment Of(ResolvedModel model) => new(
            model.Definition.Provider,
            (model.Client.GetService(typeof(ChatClientMetadata)) as ChatClientMetadata)?.ProviderUri ?? model.Definition.Endpoint,
            model.Definition.Model ?? model.Definition.Name,
            model.Definition.ApiKeyVariable);

        // Neither the key's name nor what an address may carry besides: user, path, query.
        public DeploymentUse Describe() => new(
            Provider, Endpoint is { IsAbsoluteUri: true } address ? address.GetComponents(UriComponents.SchemeAndServer, UriFormat.UriEscaped) : null, Model, 0, null, 0, null, 0, null);
    }
}
