using Microsoft.Extensions.AI;
using Polyphony.Core.Definitions;

namespace Polyphony.Activities.Providers;

/// <summary>Makes the clients of one provider. Thread-safe.</summary>
internal interface IModelProvider
{
    /// <summary>Gets the provider's name, as in <see cref="ModelDefinition.Provider"/>.</summary>
    string Name { get; }

    /// <summary>Gets a client for a model. Clients are shared and live as long as the provider.</summary>
    /// <param name="definition">The model.</param>
    /// <returns>The client.</returns>
    /// <exception cref="ModelException">It can't be made: an endpoint or a key is missing or refused.</exception>
    IChatClient GetClient(ModelDefinition definition);
}
