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

    /// <summary>Lets a call out, or says until when it waits.</summary>
    /// <param name="model">The model.</param>
    /// <param name="step">The call's step.</param>
    /// <param name="longest">The longest wait for which a place is kept; <see langword="null"/>: any.</param>
    /// <returns>Until when it waits; <see langword="null"/>: it may go out, and <see cref="Leave"/> follows.</returns>
    public CallWait? Enter(ResolvedModel model, string step, TimeSpan? longest)
    {
        lock (_lock)
        {
            var hasLimits = model.Definition is { RequestsPerMinute: not null } or { TokensPerMinute: not null };
            var gate = hasLimits ? GateOf(model) : _gates.GetValueOrDefault(Deployment.Of(model));
            return gate?.Enter(step, model.Definition, longest, timeProvider.GetUtcNow());
        }
    }

    /// <summary>Books what a call has used.</summary>
    /// <param name="model">The model.</param>
    /// <param name="step">The call's step.</param>
    /// <param name="tokens">The tokens, in and out; 0 when there is no answer.</param>
    public void Leave(ResolvedModel model, string step, long tokens)
    {
        lock (_lock)
        {
            _gates.GetValueOrDefault(Deployment.Of(model))?.Leave(step, tokens);
        }
    }

    /// <summary>Lets nothing out to a deployment for as long as its provider has asked.</summary>
    /// <param name="model">The model.</param>
    /// <param name="wait">How long.</param>
    /// <param name="message">What the provider said.</param>
    public void Pause(ResolvedModel model, TimeSpan wait, string message)
    {
        lock (_lock)
        {
            GateOf(model).Pause(timeProvider.GetUtcNow() + wait, message);
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
