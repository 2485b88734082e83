using System.ClientModel;
using System.ClientModel.Primitives;
using System.Collections.Concurrent;
using Azure.Core;
using Azure.Identity;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using OpenAI.Chat;
using Polyphony.Activities.Providers.OpenAI.Dialects;
using Polyphony.Core.Definitions;
using Polyphony.Core.Runs;

namespace Polyphony.Activities.Providers.OpenAI;

/// <summary>
/// The provider <c>azure-openai</c>: Azure OpenAI with a key, or with the identity of the process (a managed identity, or a developer's own).
/// </summary>
/// <remarks>
/// The official OpenAI SDK speaks to the resource's v1 endpoint. A model with an <see cref="ModelDefinition.ApiVersion"/> goes by the deployments route instead, with Azure's
/// own client. The endpoint is the model's own or that in <c>AZURE_OPENAI_ENDPOINT</c>, such as <c>https://NAME.openai.azure.com</c>. The key is that in the variable which
/// the model names, or in <c>AZURE_OPENAI_API_KEY</c>. Without a key the identity is used, and only for the endpoint of the environment: a token is not
/// handed to an address that a workflow file names. <see cref="ModelDefinition.Model"/> is the name of the deployment.
/// </remarks>
internal sealed class AzureOpenAIProvider : IModelProvider
{
    /// <summary>The name of the provider.</summary>
    public const string ProviderName = "azure-openai";

    /// <summary>The environment variable of the resource's address.</summary>
    public const string EndpointVariable = "AZURE_OPENAI_ENDPOINT";

    /// <summary>The environment variable of the key.</summary>
    public const string ApiKeyVariable = "AZURE_OPENAI_API_KEY";

    private const string Scope = "https://cognitiveservices.azure.com/.default";

    private readonly Func<string, string?> _environment;
    private readonly Lazy<TokenCredential> _identity;
    private readonly ILogger _log;
    private readonly ConcurrentDictionary<AzureDeployment, OpenAIChatClient> _clients = new();

    /// <summary>Makes the provider.</summary>
    /// <param name="environment">Reads an environment variable; by default that of the process.</param>
    /// <param name="identity">The identity to use when there is no key; by default <see cref="DefaultAzureCredential"/>.</param>
    /// <param name="loggerFactory">Makes the logger, which says when a server refuses the wording of requests; by default nothing is logged.</param>
    public AzureOpenAIProvider(Func<string, string?>? environment = null, TokenCredential? identity = null, ILoggerFactory? loggerFactory = null)
    {
        _log = loggerFactory.ForActivities();
        _environment = environment ?? Environment.GetEnvironmentVariable;
        _identity = new Lazy<TokenCredential>(() => identity ?? new DefaultAzureCredential());
    }

    /// <inheritdoc/>
    public string Name => ProviderName;

    /// <summary>Gets what carries the requests; by default the SDK's own.</summary>
    internal PipelineTransport? Transport { get; init; }

    /// <inheritdoc/>
    public IChatClient GetClient(ModelDefinition definition)
    {
        var model = OpenAIClientSettings.Model(definition);
        var endpoint = definition.Endpoint ?? OpenAIClientSettings.Endpoint(_environment, EndpointVariable) ?? throw Refused(
            ErrorCodes.ModelNotFound,
            $"Model \"{definition.Name}\" needs the address of an Azure OpenAI resource in the environment variable {EndpointVariable}, which is not set.");
        var variable = definition.ApiKeyVariable ?? (definition.Endpoint is null ? ApiKeyVariable : null);
        var key = variable is null ? null : _environment(variable);
        if (string.IsNullOrEmpty(key) && (definition.Endpoint is not null || definition.ApiKeyVariable is not null))
        {
            throw Refused(
                ErrorCodes.Authentication,
                variable is null
                    ? $"Model \"{definition.Name}\" has its own endpoint and must also name the variable of its key (\"apiKeyVariable\"): the host's key and identity are not sent there."
                    : $"Model \"{definition.Name}\" needs a key in the environment variable {variable}, which is not set.");
        }

        if (string.IsNullOrEmpty(key) && endpoint.Scheme != Uri.UriSchemeHttps)
        {
            throw Refused(
                ErrorCodes.Authentication,
                $"Model \"{definition.Name}\" has no key, and an identity's token is sent only over https; {EndpointVariable} is \"{endpoint}\". Correct it, or set {ApiKeyVariable}.");
        }

        return _clients.GetOrAdd(new AzureDeployment(endpoint, model, definition.ApiVersion, string.IsNullOrEmpty(key) ? null : key, KnownDialects.Of(definition, endpoint)), Make);
    }

    /// <summary>Gets the v1 address of a resource or of a gateway's API.</summary>
    internal static Uri V1(Uri endpoint) => endpoint.AbsolutePath.Contains("/openai/v1", StringComparison.OrdinalIgnoreCase)
        ? endpoint
        : new UriBuilder(endpoint) { Path = $"{endpoint.AbsolutePath.TrimEnd('/')}/openai/v1/" }.Uri;

    private OpenAIChatClient Make(AzureDeployment deployment) => deployment.Version is { } version
        ? new OpenAIChatClient(AzureDeployments.Client(deployment, version, _identity, _log, Transport), deployment.Dialect.Attachments)
        : new OpenAIChatClient(V1Client(deployment), deployment.Dialect.Attachments);

    private ChatClient V1Client(AzureDeployment deployment)
    {
        AuthenticationPolicy authentication = deployment.Key is null
            ? new BearerTokenPolicy(_identity.Value, Scope)
            : ApiKeyAuthenticationPolicy.CreateHeaderApiKeyPolicy(new ApiKeyCredential(deployment.Key), "api-key");
#pragma warning disable OPENAI001 // The only way to give the SDK a token of an identity; marked as experimental since 2.x.
        return new ChatClient(deployment.Name, authentication, OpenAIClientSettings.Options(V1(deployment.Endpoint), new DialectPolicy(deployment.Dialect, deployment.Endpoint, deployment.Name, _log), Transport));
#pragma warning restore OPENAI001
    }

    private static ModelException Refused(string code, string message) => new(new CallError(code, message, ErrorKind.Terminal));
}
