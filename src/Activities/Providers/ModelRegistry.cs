using Microsoft.Extensions.Logging;
using Polyphony.Activities.Providers.Offline;
using Polyphony.Activities.Providers.OpenAI;
using Polyphony.Core.Definitions;
using Polyphony.Core.Runs;

namespace Polyphony.Activities.Providers;

/// <summary>Resolves aliases of the workflow, then of the host, with the providers that the host has.</summary>
internal sealed class ModelRegistry : IModelRegistry
{
    private readonly Dictionary<string, IModelProvider> _providers;
    private readonly EndpointPolicy _endpoints;

    /// <summary>Makes a registry.</summary>
    /// <param name="providers">The providers; of two with one name the later counts, so that a test can replace one.</param>
    /// <param name="hostModels">The aliases of the host's settings, by name.</param>
    /// <param name="endpoints">Which addresses workflows may name; by default only loopback, without a key.</param>
    public ModelRegistry(
        IEnumerable<IModelProvider> providers, IReadOnlyDictionary<string, ModelDefinition>? hostModels = null, EndpointPolicy? endpoints = null)
    {
        _endpoints = endpoints ?? EndpointPolicy.Default;
        HostModels = hostModels ?? new Dictionary<string, ModelDefinition>();
        _providers = new Dictionary<string, IModelProvider>(StringComparer.Ordinal);
        foreach (var provider in providers)
        {
            _providers[provider.Name] = provider;
        }
    }

    /// <summary>Makes a registry with the providers that Polyphony brings: offline, openai and azure-openai.</summary>
    /// <param name="hostModels">The aliases of the host's settings, by name.</param>
    /// <param name="endpoints">Which addresses workflows may name; by default only loopback, without a key.</param>
    /// <param name="loggerFactory">Makes the loggers; by default nothing is logged.</param>
    /// <returns>The registry.</returns>
    public static ModelRegistry CreateDefault(
        IReadOnlyDictionary<string, ModelDefinition>? hostModels = null, EndpointPolicy? endpoints = null, ILoggerFactory? loggerFactory = null) =>
        new([new OfflineProvider(), new OpenAIProvider(loggerFactory: loggerFactory), new AzureOpenAIProvider(loggerFactory: loggerFactory)], hostModels, endpoints);

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, ModelDefinition> HostModels { get; }

    /// <inheritdoc/>
    public ResolvedModel Resolve(WorkflowDefinition workflow, string alias)
    {
        if (workflow.Models.TryGetValue(alias, out var definition))
        {
            // Checked at the start as well. The settings may have changed since, and those of now count: a pinned definition must not outlive a permission.
            if (_endpoints.Refuse(definition, DefinitionOrigin.File) is var (message, hint))
            {
                throw new ModelException(new CallError(
                    ErrorCodes.EndpointNotAllowed, $"In workflow \"{workflow.Name}\" {message}. {hint}", ErrorKind.Terminal));
            }
        }
        else if (!HostModels.TryGetValue(alias, out definition))
        {
            throw NotFound(
                $"Model \"{alias}\" is defined neither in workflow \"{workflow.Name}\" nor in this host's settings, which define {List(HostModels.Keys)}. Add it to the file's \"models\" or to the settings.");
        }

        return _providers.TryGetValue(definition.Provider, out var provider)
            ? new ResolvedModel(provider.GetClient(definition), definition)
            : throw NotFound($"Model \"{alias}\" names the provider \"{definition.Provider}\", which this host does not have. It has {List(_providers.Keys)}.");
    }

    private static ModelException NotFound(string message) => new(new CallError(ErrorCodes.ModelNotFound, message, ErrorKind.Terminal));

    private static string List(IEnumerable<string> names)
    {
        var sorted = names.Order(StringComparer.Ordinal).Select(name => $"\"{name}\"").ToArray();
        return sorted.Length == 0 ? "none" : string.Join(", ", sorted);
    }
}
