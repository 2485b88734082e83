using Microsoft.Extensions.AI;
using Polyphony.Core.Definitions;

namespace Polyphony.Activities.Providers.Offline;

/// <summary>
/// The provider <c>offline</c>: answers without network by extracting from its input, and never invents. For trying workflows out
/// and for tests. Its answers are labelled: provider <c>offline</c>, model <c>offline-extractive</c>; tokens are estimated, the cost is zero.
/// </summary>
/// <remarks>
/// The same input gives the same answer, on any machine. What counts as input is described at <see cref="OfflineMaterial"/>, the choice of
/// sentences at <see cref="Extractor"/>, and how a schema is filled at <see cref="SchemaFiller"/>.
/// </remarks>
internal sealed class OfflineProvider : IModelProvider
{
    /// <summary>The name of the provider.</summary>
    public const string ProviderName = "offline";

    /// <summary>The name of the model in answers.</summary>
    public const string ModelName = "offline-extractive";

    private static readonly OfflineChatClient Client = new();

    /// <inheritdoc/>
    public string Name => ProviderName;

    /// <inheritdoc/>
    public IChatClient GetClient(ModelDefinition definition) => Client;
}
