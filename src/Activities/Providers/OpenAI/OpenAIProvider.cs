using System.ClientModel;
using System.ClientModel.Primitives;
using System.Collections.Concurrent;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using OpenAI.Chat;
using Polyphony.Activities.Providers.OpenAI.Dialects;
using Polyphony.Core.Definitions;
using Polyphony.Core.Runs;

namespace Polyphony.Activities.Providers.OpenAI;

/// <summary>
/// The provider <c>openai</c>: the official SDK against OpenAI or any endpoint of its protocol. Clients are made once per endpoint, model and key.
/// </summary>
/// <remarks>
/// The endpoint is the model's own, or that in <c>OPENAI_BASE_URL</c>, or OpenAI's. The key is that in the variable which the model names, or in
/// <c>OPENAI_API_KEY</c>; the latter is never sent to an endpoint that a model names for itself, because whoever writes a workflow
/// file is not always the one who pays for the key. Such an endpoint without a named variable is called without a key.
/// </remarks>
internal sealed class OpenAIProvider : IModelProvider
{
    /// <summary>The name of the provider.</summary>
    public const string ProviderName = "openai";

    /// <summary>The environment variable of the base address.</summary>
    public const string BaseUrlVariable = "OPENAI_BASE_URL";

    /// <summary>The environment variable of the key.</summary>
    public const string ApiKeyVariable = "OPENAI_API_KEY";

    // The SDK insists on a key, and servers that need none ignore it.
    private const string NoKey = "none";

    private static readonly Uri DefaultEndpoint = new("https://api.openai.com/v1");

    private readonly Func<string, string?> _environment;
    private readonly ILogger _log;
    private readonly ConcurrentDictionary<(Uri Endpoint, string Model, string Key, ServerDialect Dialect), OpenAIChatClient> _clients = new();

    /// <summary>Makes the provider.</summary>
    /// <param name="environment">Reads an environment variable; by default that of the process.</param>
    /// <param name="loggerFactory">Makes the logger, which says when a server refuses the wording of requests; by default nothing is logged.</param>
    public OpenAIProvider(Func<string, string?>? environment = null, ILoggerFactory? loggerFactory = null)
    {
        _environment = environment ?? Environment.GetEnvironmentVariable;
        _log = loggerFactory.ForActivities();
    }

    /// <inheritdoc/>
    public string Name => ProviderName;

    /// <summary>Gets what carries the requests; by default the SDK's own.</summary>
    internal PipelineTransport? Transport { get; init; }

    /// <inheritdoc/>
    public IChatClient GetClient(ModelDefinition definition)
    {
        var model = OpenAIClientSettings.Model(definition);
        var endpoint = definition.Endpoint ?? OpenAIClientSettings.Endpoint(_environment, BaseUrlVariable) ?? DefaultEndpoint;
        var variable = definition.ApiKeyVariable ?? (definition.Endpoint is null ? ApiKeyVariable : null);
        var key = variable is null ? NoKey : _environment(variable);
        if (string.IsNullOrEmpty(key))
        {
            throw new ModelException(new CallError(
                ErrorCodes.Authentication,
                $"Model \"{definition.Name}\" needs a key in the environment variable {variable}, which is not set. Set it where the host runs, or use a model of the provider \"offline\".",
                ErrorKind.Terminal));
        }

        return _clients.GetOrAdd((endpoint, model, key, KnownDialects.Of(definition, endpoint)), entry => new OpenAIChatClient(
            new ChatClient(entry.Model, new ApiKeyCredential(entry.Key), OpenAIClientSettings.Options(entry.Endpoint, new DialectPolicy(entry.Dialect, entry.Endpoint, entry.Model, _log), Transport)),
            entry.Dialect.Attachments));
    }
}
