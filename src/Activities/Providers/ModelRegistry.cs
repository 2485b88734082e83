using Polyphony.Activities.Providers.Offline;
using Polyphony.Activities.Providers.OpenAI;
using Polyphony.Core.Interpreter;
using Polyphony.Core.Workflows;

namespace Polyphony.Activities.Providers;

/// <summary>Resolves aliases of the workflow, then of the host, with the providers that the host has.</summary>
public sealed class ModelRegistry : IModelRegistry
{
    private readonly IReadOnlyDictionary<string, ModelDefinition> _hostModels;
    private readonly Dictionary<string, IModelProvider> _providers;

    /// <summary>Makes a registry.</summary>
    /// <param name="providers">The providers; of two with one name the later counts, so that a test can replace one.</param>
    /// <param name="hostModels">The aliases of the host's settings, by name.</param>
    public ModelRegistry(IEnumerable<IModelProvider> providers, IReadOnlyDictionary<string, ModelDefinition>? hostModels = null)
    {
        _hostModels = hostModels ?? new Dictionary<string, ModelDefinition>();
        _providers = new Dictionary<string, IModelProvider>(StringComparer.Ordinal);
        foreach (var provider in providers)
        {
            _providers[provider.Name] = provider;
        }
    }

    /// <summary>Makes a registry with the providers that Polyphony brings: offline, openai and azure-openai.</summary>
    /// <param name="hostModels">The aliases of the host's settings, by name.</param>
    /// <returns>The registry.</returns>
    public static ModelRegistry CreateDefault(IReadOnlyDictionary<string, ModelDefinition>? hostModels = null) =>
        new([new OfflineProvider(), new OpenAIProvider(), new AzureOpenAIProvider()], hostModels);

    /// <inheritdoc/>
    public ResolvedModel Resolve(WorkflowDefinition workflow, string alias)
    {
        if (workflow.Models.TryGetValue(alias, out var definition))
        {
            // What a file sends must not be readable on the way. The host's own settings may choose otherwise.
            if (definition.Endpoint is { } endpoint && endpoint.Scheme != Uri.UriSchemeHttps && !(endpoint.Scheme == Uri.UriSchemeHttp && endpoint.IsLoopback))
            {
                throw new ModelException(new CallError(
                    ErrorCodes.BadRequest,
                    $"The endpoint of model \"{alias}\" in workflow \"{workflow.Name}\" must be https, or http on this machine (localhost); found \"{endpoint}\".",
                    ErrorKind.Terminal));
            }
        }
        else if (!_hostModels.TryGetValue(alias, out definition))
        {
            throw NotFound(
                $"Model \"{alias}\" is defined neither in workflow \"{workflow.Name}\" nor in this host's settings, which define {List(_hostModels.Keys)}. Add it to the file's \"models\" or to the settings.");
        }

        return _providers.TryGetValue(definition.Provider, out var provider)
            ? new ResolvedModel(provider.GetClient(definition), definition)
            : throw NotFound($"Model \"{alias}\" names the provider \"{definition.Provider}\", which this host does not have. It has {List(_providers.Keys)}.");
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> HostFallback(WorkflowDefinition workflow, string alias) =>
        !workflow.Models.ContainsKey(alias) && _hostModels.TryGetValue(alias, out var definition) ? definition.Fallback : [];

    private static ModelException NotFound(string message) => new(new CallError(ErrorCodes.ModelNotFound, message, ErrorKind.Terminal));

    private static string List(IEnumerable<string> names)
    {
        var sorted = names.Order(StringComparer.Ordinal).Select(name => $"\"{name}\"").ToArray();
        return sorted.Length == 0 ? "none" : string.Join(", ", sorted);
    }
}
