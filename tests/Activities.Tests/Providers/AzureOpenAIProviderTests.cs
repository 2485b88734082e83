using System.ClientModel.Primitives;
using System.Net;
using System.Text;
using System.Text.Json;
using Azure.Core;
using Azure.Identity;
using Microsoft.Extensions.AI;
using Polyphony.Activities.Errors;
using Polyphony.Activities.Providers;
using Polyphony.Activities.Providers.OpenAI;
using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Sources;
using Polyphony.Core.Runs;
using Polyphony.TestKit.OpenAI;

namespace Polyphony.Activities.Tests.Providers;

/// <summary>Azure OpenAI's two routes, as requests leave the SDKs.</summary>
[Trait("Row", "H18")]
public sealed class AzureOpenAIProviderTests
{
    private const string Key = "azure-key";

    private static readonly ModelDefinition Fast = new() { Name = "fast", Provider = "azure-openai", Model = "my-gpt" };

    [Theory]
    [InlineData("https://me.openai.azure.com", null, "https://me.openai.azure.com/openai/v1/chat/completions")]
    [InlineData("https://me.openai.azure.com/", null, "https://me.openai.azure.com/openai/v1/chat/completions")]
    [InlineData("https://me.openai.azure.com/openai/v1", null, "https://me.openai.azure.com/openai/v1/chat/completions")]
    [InlineData("https://me.openai.azure.com/openai/v1/", null, "https://me.openai.azure.com/openai/v1/chat/completions")]
    [InlineData("https://gw.azure-api.net/my-api", null, "https://gw.azure-api.net/my-api/openai/v1/chat/completions")]
    [InlineData("https://gw.azure-api.net/my-api/", null, "https://gw.azure-api.net/my-api/openai/v1/chat/completions")]
    [InlineData("https://me.openai.azure.com", "2024-10-21", "https://me.openai.azure.com/openai/deployments/my-gpt/chat/completions?api-version=2024-10-21")]
    [InlineData("https://me.openai.azure.com/", "2024-10-21", "https://me.openai.azure.com/openai/deployments/my-gpt/chat/completions?api-version=2024-10-21")]
    [InlineData("https://me.openai.azure.com/openai/v1/", "2024-10-21", "https://me.openai.azure.com/openai/deployments/my-gpt/chat/completions?api-version=2024-10-21")]
    [InlineData("https://gw.azure-api.net/my-api", "2025-04-01-preview", "https://gw.azure-api.net/my-api/openai/deployments/my-gpt/chat/completions?api-version=2025-04-01-preview")]
    [InlineData("https://gw.azure-api.net/my-api/", "2023-05-15", "https://gw.azure-api.net/my-api/openai/deployments/my-gpt/chat/completions?api-version=2023-05-15")]
    [InlineData("https://gw.azure-api.net/my-api/openai/v1", "2031-12-01-preview", "https://gw.azure-api.net/my-api/openai/deployments/my-gpt/chat/completions?api-version=2031-12-01-preview")]
    public async Task GetResponse_Endpoint_GivesTheAddress(string endpoint, string? version, string address)
    {
        using var wire = new Wire();

        var response = await AskAsync(wire.Provider(endpoint), Fast with { ApiVersion = version });

        Assert.Equal("Hello.", response.Text);
        Assert.Equal((address, "my-gpt"), (wire.Address, wire.Body.GetProperty("model").GetString()));
        Assert.Equal((Key, null), (wire.Header("api-key"), wire.Header("Authorization")));
    }

    [Fact]
    public async Task GetResponse_DeploymentWithOtherCharacters_IsEscapedInTheAddress()
    {
        using var wire = new Wire();

        await AskAsync(wire.Provider("https://me.openai.azure.com"), Fast with { Model = "my gpt/4", ApiVersion = "2024-10-21" });

        Assert.Equal("https://me.openai.azure.com/openai/deployments/my%20gpt%2F4/chat/completions?api-version=2024-10-21", wire.Address);
    }

    [Theory]
    [InlineData(null, "https://me.openai.azure.com/openai/v1/chat/completions")]
    [InlineData("2024-10-21", "https://me.openai.azure.com/openai/deployments/my-gpt/chat/completions?api-version=2024-10-21")]
    public async Task GetResponse_NoKey_SendsATokenOfTheIdentity(string? version, string address)
    {
        using var wire = new Wire();
        var identity = new Identity("token-1");

        await AskAsync(wire.Provider("https://me.openai.azure.com", key: null, identity), Fast with { ApiVersion = version });

        Assert.Equal((address, "Bearer token-1", null), (wire.Address, wire.Header("Authorization"), wire.Header("api-key")));
        Assert.Equal(["https://cognitiveservices.azure.com/.default"], identity.Scopes);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("2024-10-21")]
    public async Task GetResponse_IdentityWithoutToken_IsClassified(string? version)
    {
        using var wire = new Wire();

        var exception = await Assert.ThrowsAnyAsync<Exception>(() =>
            AskAsync(wire.Provider("https://me.openai.azure.com", key: null, new Identity(null)), Fast with { ApiVersion = version }));

        Assert.Equal((ErrorCodes.Authentication, ErrorKind.Terminal), (ErrorClassifier.Classify(exception).Code, ErrorClassifier.Classify(exception).Kind));
        Assert.Empty(wire.Requests);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("2024-10-21")]
    public void GetClient_IdentityOverHttp_IsRefused(string? version)
    {
        using var wire = new Wire();

        var exception = Assert.Throws<ModelException>(() => wire.Provider("http://me.openai.azure.com", key: null, new Identity("token-1")).GetClient(Fast with { ApiVersion = version }));

        Assert.Equal((ErrorCodes.Authentication, ErrorKind.Terminal), (exception.Error.Code, exception.Error.Kind));
        Assert.Contains("https", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("2024-10-21")]
    public async Task GetResponse_OwnEndpoint_TakesTheKeyItNamesAndNoOther(string? version)
    {
        using var wire = new Wire();
        var own = Fast with { ApiVersion = version, Endpoint = new Uri("https://gw.azure-api.net/my-api") };
        var provider = wire.Provider("https://me.openai.azure.com", Key, new Identity("token-1"));

        Assert.Equal(ErrorCodes.Authentication, Assert.Throws<ModelException>(() => provider.GetClient(own)).Error.Code);
        await AskAsync(provider, own with { ApiKeyVariable = "GATEWAY_KEY" });

        Assert.StartsWith("https://gw.azure-api.net/my-api/openai/", wire.Address, StringComparison.Ordinal);
        Assert.Equal(("gateway-key", null), (wire.Header("api-key"), wire.Header("Authorization")));
    }

    [Theory]
    [InlineData(null, "max_completion_tokens", "max_tokens")]
    [InlineData("2024-08-01-preview", "max_tokens", "max_completion_tokens")]
    [InlineData("2024-09-01-preview", "max_completion_tokens", "max_tokens")]
    [InlineData("2024-10-21", "max_completion_tokens", "max_tokens")]
    public async Task GetResponse_TokenLimit_HasTheNameThatTheVersionKnows(string? version, string name, string other)
    {
        using var wire = new Wire();
        var client = wire.Provider("https://me.openai.azure.com").GetClient(Fast with { ApiVersion = version });

        await client.GetResponseAsync(Prompt, new ChatOptions { MaxOutputTokens = 99, Temperature = 0.5f }, TestContext.Current.CancellationToken);
        Assert.Equal((99, 0.5), (wire.Body.GetProperty(name).GetInt32(), wire.Body.GetProperty("temperature").GetDouble()));
        Assert.False(wire.Body.TryGetProperty(other, out _));

        await client.GetResponseAsync(Prompt, cancellationToken: TestContext.Current.CancellationToken);
        Assert.False(wire.Body.TryGetProperty(name, out _) || wire.Body.TryGetProperty(other, out _));
    }

    [Theory]
    [Trait("Row", "C9")]
    [MemberData(nameof(Failures))]
    public async Task GetResponse_Failure_IsClassifiedAfterOneRequest(string? version, int status, string? code, ErrorKind kind)
    {
        using var wire = new Wire { Answer = FakeOpenAIAnswer.Error(status, null, "oops", ("Retry-After", "0")) };

        var exception = await Assert.ThrowsAnyAsync<Exception>(() => AskAsync(wire.Provider("https://me.openai.azure.com"), Fast with { ApiVersion = version }));

        Assert.Equal((code, kind), (ErrorClassifier.Classify(exception).Code, ErrorClassifier.Classify(exception).Kind));
        Assert.Single(wire.Requests);
    }

    public static TheoryData<string?, int, string, ErrorKind> Failures()
    {
        var data = new TheoryData<string?, int, string, ErrorKind>();
        foreach (var version in (string?[])[null, "2024-10-21"])
        {
            data.Add(version, 429, ErrorCodes.RateLimited, ErrorKind.RateLimited);
            data.Add(version, 500, ErrorCodes.ProviderUnavailable, ErrorKind.Transient);
            data.Add(version, 503, ErrorCodes.ProviderUnavailable, ErrorKind.Transient);
            data.Add(version, 404, ErrorCodes.ModelNotFound, ErrorKind.Terminal);
        }

        return data;
    }

    [Fact]
    public void GetClient_SameDeployment_IsSharedPerVersion()
    {
        using var wire = new Wire();
        var provider = wire.Provider("https://me.openai.azure.com");

        Assert.Same(provider.GetClient(Fast with { ApiVersion = "2024-10-21" }), provider.GetClient(Fast with { Name = "other", ApiVersion = "2024-10-21" }));
        Assert.NotSame(provider.GetClient(Fast with { ApiVersion = "2024-10-21" }), provider.GetClient(Fast with { ApiVersion = "2024-06-01" }));
        Assert.NotSame(provider.GetClient(Fast with { ApiVersion = "2024-10-21" }), provider.GetClient(Fast));
    }

    [Fact]
    [Trait("Row", "C7")]
    public async Task Agent_OnADeployment_IsAnsweredAndTimesOutByItsOwnLimit()
    {
        var arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await FakeOpenAIServer.StartAsync(request =>
        {
            if (request.Number == 1)
            {
                return "Hello.";
            }

            arrived.SetResult();
            return new FakeOpenAIAnswer { Hangs = true };
        });
        var provider = new AzureOpenAIProvider(name => name == "AZURE_OPENAI_ENDPOINT" ? server.Resource.ToString() : Key);
        var harness = new ActivityHarness(provider.GetClient(Fast with { ApiVersion = "2024-10-21" }));

        Assert.Equal("Hello.", (await harness.AgentAsync(harness.Call(), TestContext.Current.CancellationToken)).Output!.Json!.Value.GetString());
        Assert.Equal("/openai/deployments/my-gpt/chat/completions?api-version=2024-10-21", server.Requests[0].Target);

        var running = harness.AgentAsync(harness.Call() with { Scope = harness.Scope("draft", "draft#2") }, TestContext.Current.CancellationToken);
        await arrived.Task;
        harness.Clock.Advance(TimeSpan.FromSeconds(30));

        Assert.Equal(ErrorCodes.Timeout, (await running).Error!.Code);
        await server.Aborted;
    }

    [Fact]
    public async Task Resolve_ModelOfTheFileAndOfTheSettings_SpeaksTheRouteItNames()
    {
        using var wire = new Wire();
        var settings = Path.Combine(Path.GetTempPath(), $"polyphony-{Guid.NewGuid():N}.json");
        await File.WriteAllTextAsync(
            settings, """{ "models": { "host": { "provider": "azure-openai", "model": "of-the-host", "apiVersion": "2024-06-01" } } }""", TestContext.Current.CancellationToken);
        try
        {
            var workflow = WorkflowParser.Parse(YamlSource.Read("""
                name: t
                models: { file: { provider: azure-openai, model: of-the-file, apiVersion: 2025-04-01-preview } }
                nodes: { a: { transform: 1 } }
                """).Root!).Require();
            var registry = new ModelRegistry([wire.Provider("https://me.openai.azure.com")], ModelSettings.Read(settings).Models);

            await AskAsync(registry.Resolve(workflow, "file").Client);
            Assert.Equal("https://me.openai.azure.com/openai/deployments/of-the-file/chat/completions?api-version=2025-04-01-preview", wire.Address);

            // As an instance reads it back.
            var stored = WorkflowParser.Parse(JsonSource.Read(workflow.CanonicalJson).Root!).Require();
            Assert.Equal((workflow.Hash, "2025-04-01-preview"), (stored.Hash, stored.Models["file"].ApiVersion));

            await AskAsync(registry.Resolve(workflow, "host").Client);
            Assert.Equal("https://me.openai.azure.com/openai/deployments/of-the-host/chat/completions?api-version=2024-06-01", wire.Address);
        }
        finally
        {
            File.Delete(settings);
        }
    }

    [Theory]
    [InlineData("""{ "provider": "openai", "model": "m", "apiVersion": "2024-10-21" }""", "for the provider azure-openai only")]
    [InlineData("""{ "provider": "offline", "apiVersion": "2024-10-21" }""", "for the provider azure-openai only")]
    [InlineData("""{ "provider": "azure-openai", "model": "m", "apiVersion": "latest" }""", "\"latest\" is no api-version")]
    [InlineData("""{ "provider": "azure-openai", "model": "m", "apiVersion": "2024-10-21-" }""", "\"2024-10-21-\" is no api-version")]
    [InlineData("""{ "provider": "azure-openai", "model": "m", "apiVersion": 20241021 }""", "must be a string")]
    public void Settings_ApiVersionThatCannotBe_IsAProblem(string model, string says)
    {
        var problem = Assert.Single(ModelAliases.Parse(JsonSource.Read($$"""{ "models": { "fast": {{model}} } }""").Root!, "settings.json").Problems);

        Assert.Contains(says, problem.Message, StringComparison.Ordinal);
    }

    private static ChatMessage[] Prompt => [new(ChatRole.User, "Hi")];

    private static Task<ChatResponse> AskAsync(AzureOpenAIProvider provider, ModelDefinition model) => AskAsync(provider.GetClient(model));

    private static Task<ChatResponse> AskAsync(IChatClient client) => client.GetResponseAsync(Prompt, cancellationToken: TestContext.Current.CancellationToken);

    /// <summary>Answers in the place of any host, so that requests to Azure's own names can be looked at.</summary>
    private sealed class Wire : HttpMessageHandler
    {
        public FakeOpenAIAnswer Answer { get; init; } = "Hello.";

        public List<HttpRequestMessage> Requests { get; } = [];

        public string Address => Requests[^1].RequestUri!.AbsoluteUri;

        public JsonElement Body { get; private set; }

        public string? Header(string name) => Requests[^1].Headers.TryGetValues(name, out var values) ? Assert.Single(values) : null;

        public AzureOpenAIProvider Provider(string endpoint, string? key = Key, TokenCredential? identity = null) =>
            new(
                name => name switch { "AZURE_OPENAI_ENDPOINT" => endpoint, "AZURE_OPENAI_API_KEY" => key, "GATEWAY_KEY" => "gateway-key", _ => null },
                identity)
            {
                Transport = new HttpClientPipelineTransport(new HttpClient(this, disposeHandler: false)),
            };

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Requests.Add(request);
            Body = JsonElement.Parse(await request.Content!.ReadAsByteArrayAsync(cancellationToken));
            var response = new HttpResponseMessage((HttpStatusCode)Answer.Status) { Content = new StringContent(Answer.Body, Encoding.UTF8, "application/json") };
            foreach (var (name, value) in Answer.Headers)
            {
                response.Headers.Add(name, value);
            }

            return response;
        }
    }

    private sealed class Identity(string? token) : TokenCredential
    {
        public List<string> Scopes { get; } = [];

        public override AccessToken GetToken(TokenRequestContext requestContext, CancellationToken cancellationToken)
        {
            Scopes.AddRange(requestContext.Scopes);
            return token is null ? throw new CredentialUnavailableException("Nobody is logged in.") : new AccessToken(token, DateTimeOffset.UtcNow.AddHours(1));
        }

        public override ValueTask<AccessToken> GetTokenAsync(TokenRequestContext requestContext, CancellationToken cancellationToken) =>
            new(GetToken(requestContext, cancellationToken));
    }
}
