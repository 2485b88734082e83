using Microsoft.Extensions.AI;
using Polyphony.Activities.Providers;
using Polyphony.Core.Definitions;
using Polyphony.Core.Runs;

namespace Polyphony.Activities.Apps;

/// <summary>A provider whose models are all called by one chat client of the app; which model is in <see cref="ChatOptions.ModelId"/>. Thread-safe.</summary>
/// <param name="name">The provider's name.</param>
/// <param name="client">The client.</param>
internal sealed class ChatClientProvider(string name, IChatClient client) : IModelProvider
{
    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public IChatClient GetClient(ModelDefinition definition)
    {
        string[] refused = [.. new[]
        {
            (Key: "endpoint", IsSet: definition.Endpoint is not null),
            (Key: "apiKeyVariable", IsSet: definition.ApiKeyVariable is not null),
            (Key: "apiVersion", IsSet: definition.ApiVersion is not null),
            (Key: "dialect", IsSet: definition.Dialect is not null),
            (Key: "model", IsSet: client is AIAgentChatClient && definition.Model is not null),
            (Key: "temperature", IsSet: client is AIAgentChatClient && definition.Temperature is not null),
            (Key: "maxOutputTokens", IsSet: client is AIAgentChatClient && definition.MaxOutputTokens is not null),
        }.Where(key => key.IsSet).Select(key => $"\"{key.Key}\"")];
        return refused.Length == 0 ? client : throw new ModelException(new CallError(
            ErrorCodes.BadRequest,
            $"Model \"{definition.Name}\" sets {string.Join(", ", refused)}, which the provider \"{name}\" does not accept: {(client is AIAgentChatClient ? "the AIAgent has its own" : "the app sets up its chat client")}. Remove it.",
            ErrorKind.Terminal));
    }
}
