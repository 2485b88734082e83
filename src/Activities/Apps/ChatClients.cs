using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Polyphony.Activities.Providers;
using Polyphony.Activities.Providers.Offline;
using Polyphony.Activities.Providers.OpenAI;
using Polyphony.Core.Definitions;
using Polyphony.Expressions;

namespace Polyphony.Activities.Apps;

/// <summary>A chat client that was added as a provider.</summary>
/// <param name="Name">The provider's name.</param>
internal sealed record AppChatClient(string Name);

/// <summary>The chat clients of an app, each a provider of models: those that were added by name, and the keyed <see cref="IChatClient"/> services.</summary>
/// <param name="services">The services as they were registered.</param>
/// <param name="provider">The services.</param>
/// <param name="added">Those that were added by name.</param>
internal sealed class ChatClients(IServiceCollection services, IServiceProvider provider, IEnumerable<AppChatClient> added)
{
    private static readonly string[] BuiltIn = [OfflineProvider.ProviderName, OpenAIProvider.ProviderName, AzureOpenAIProvider.ProviderName];

    private readonly HashSet<string> _added = added.Select(client => client.Name).ToHashSet(StringComparer.Ordinal);

    // A keyed service that happens to be called like a provider of Polyphony's own is not meant to take its place.
    private IEnumerable<IGrouping<string, ServiceDescriptor>> Found => services
        .Where(service => service.IsKeyedService && service.ServiceType == typeof(IChatClient))
        .Where(service => service.ServiceKey is string name && (_added.Contains(name) || !BuiltIn.Contains(name, StringComparer.Ordinal)))
        .GroupBy(service => (string)service.ServiceKey!, StringComparer.Ordinal);

    /// <summary>Checks the clients, and that there is a provider for every model of the app.</summary>
    /// <param name="models">The models.</param>
    /// <param name="problems">Takes what is wrong.</param>
    public void Check(IEnumerable<ModelDefinition> models, ICollection<string> problems)
    {
        var found = Found.ToList();
        foreach (var name in found.Where(group => _added.Contains(group.Key) && group.Count() > 1))
        {
            problems.Add($"There are {name.Count()} chat clients named \"{name.Key}\". Give each a different name.");
        }

        foreach (var name in found.Where(group => group.Last().Lifetime == ServiceLifetime.Scoped))
        {
            problems.Add($"The chat client \"{name.Key}\" is registered as scoped; expected a singleton, because model calls belong to no request. Register it with AddKeyedSingleton or AddChatClient.");
        }

        string[] known = [.. BuiltIn, .. found.Select(group => group.Key)];
        foreach (var model in models)
        {
            if (!known.Contains(model.Provider, StringComparer.Ordinal))
            {
                problems.Add($"The model \"{model.Name}\" names the provider \"{model.Provider}\", which this app does not have. It has {string.Join(", ", known.Distinct(StringComparer.Ordinal))}. "
                    + (NearMatch.Hint(model.Provider, known) ?? $"Add it: AddChatClient(\"{model.Provider}\", …)."));
            }
        }
    }

    /// <summary>Makes the providers.</summary>
    /// <returns>One for each client.</returns>
    public IEnumerable<IModelProvider> MakeProviders() =>
        Found.Select(group => new ChatClientProvider(group.Key, provider.GetRequiredKeyedService<IChatClient>(group.Key)));
}
