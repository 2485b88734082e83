using System.ClientModel;
using System.ClientModel.Primitives;
using Azure.AI.OpenAI;
using Azure.Core;
using Microsoft.Extensions.Logging;
using OpenAI.Chat;
using Polyphony.Activities.Providers.OpenAI.Dialects;
using Polyphony.Core.Definitions;

namespace Polyphony.Activities.Providers.OpenAI;

/// <summary>
/// Azure OpenAI's older route, <c>RESOURCE/openai/deployments/NAME/chat/completions?api-version=…</c>, by Azure's own client: what API Management and resources that are
/// not on v1 speak.
/// </summary>
internal static class AzureDeployments
{
    private const string V1Path = "/openai/v1";

    // Older versions refuse max_completion_tokens as an unknown argument; with newer ones reasoning models refuse max_tokens.
    private const string FirstWithCompletionTokens = "2024-09-01";

    /// <summary>Makes the client of a deployment.</summary>
    /// <param name="deployment">The deployment. A <c>/openai/v1</c> at the end of its address does not count.</param>
    /// <param name="version">The api-version, sent unchanged.</param>
    /// <param name="identity">The identity, if there is no key.</param>
    /// <param name="log">Says what was worded otherwise.</param>
    /// <param name="transport">What carries the requests; by default the SDK's own.</param>
    public static ChatClient Client(AzureDeployment deployment, string version, Lazy<TokenCredential> identity, ILogger log, PipelineTransport? transport)
    {
        var options = OpenAIClientSettings.Apply(new AzureOpenAIClientOptions(), new DialectPolicy(deployment.Dialect, deployment.Endpoint, deployment.Name, log), transport);
        options.AddPolicy(new ApiVersionPolicy(version), PipelinePosition.PerCall);
        var resource = Resource(deployment.Endpoint);
        var client = deployment.Key is null
            ? new AzureOpenAIClient(resource, identity.Value, options)
            : new AzureOpenAIClient(resource, new ApiKeyCredential(deployment.Key), options);
        return client.GetChatClient(deployment.Name);
    }

    /// <summary>Gets the name that requests of a version have for the maximum number of tokens of an answer.</summary>
    /// <param name="version">The api-version.</param>
    public static string TokenLimit(string version) =>
        string.CompareOrdinal(version, FirstWithCompletionTokens) >= 0 ? ModelDialect.MaxCompletionTokens : ModelDialect.MaxTokens;

    private static Uri Resource(Uri endpoint)
    {
        var path = endpoint.AbsolutePath.TrimEnd('/');
        return path.EndsWith(V1Path, StringComparison.OrdinalIgnoreCase) ? new UriBuilder(endpoint) { Path = path[..^V1Path.Length] }.Uri : endpoint;
    }

    /// <summary>Sends the version that the model names: the client's own options know a closed list of them.</summary>
    private sealed class ApiVersionPolicy(string version) : PipelinePolicy
    {
        private const string Name = "api-version=";

        public override void Process(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex)
        {
            Set(message.Request);
            ProcessNext(message, pipeline, currentIndex);
        }

        public override ValueTask ProcessAsync(PipelineMessage message, IReadOnlyList<PipelinePolicy> pipeline, int currentIndex)
        {
            Set(message.Request);
            return ProcessNextAsync(message, pipeline, currentIndex);
        }

        private void Set(PipelineRequest request)
        {
            var uri = new UriBuilder(request.Uri!);
            var others = uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries).Where(part => !part.StartsWith(Name, StringComparison.OrdinalIgnoreCase));
            uri.Query = string.Join('&', others.Append(Name + Uri.EscapeDataString(version)));
            request.Uri = uri.Uri;
        }
    }
}

/// <summary>A deployment as a client is made for it.</summary>
/// <param name="Endpoint">The address of the resource or of the gateway's API.</param>
/// <param name="Name">The name of the deployment.</param>
/// <param name="Version">The api-version; <see langword="null"/> for the v1 route.</param>
/// <param name="Key">The key; <see langword="null"/> to use the identity.</param>
/// <param name="Dialect">How to speak to it.</param>
internal sealed record AzureDeployment(Uri Endpoint, string Name, string? Version, string? Key, ServerDialect Dialect);
