using System.Text.Json.Nodes;
using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Sources;

namespace Polyphony.Core.Tests.Definitions;

[Trait("Row", "C9")]
[Trait("Exempt", "models and keys of the host")]
public sealed class EndpointPolicyTests
{
    [Theory]
    [InlineData("https://example.com/v1", "https://example.com/v1", true)]
    [InlineData("https://example.com/v1", "https://example.com/v1/", true)]
    [InlineData("https://example.com/v1/", "https://example.com/v1", true)]
    [InlineData("https://example.com/v1", "https://EXAMPLE.com:443/v1/more", true)]
    [InlineData("https://example.com", "https://example.com/anything", true)]
    [InlineData("https://example.com/v1", "https://example.com/v10", false)]
    [InlineData("https://example.com/v1", "https://example.com/V1", false)]
    [InlineData("https://example.com/v1", "https://example.com/", false)]
    [InlineData("https://example.com/v1", "https://example.com/v1/../admin", false)]
    [InlineData("https://example.com/v1", "https://example.com/v1/%2e%2e/admin", false)]
    [InlineData("https://example.com/v1", "https://example.com/v1/%2E%2E%2Fadmin", false)]
    [InlineData("https://example.com/v1", "https://example.com/v1//admin", false)]
    [InlineData("https://example.com/v1", "http://example.com/v1", false)]
    [InlineData("https://example.com/v1", "https://example.com:8443/v1", false)]
    [InlineData("https://example.com/v1", "https://example.com.evil.example/v1", false)]
    [InlineData("https://example.com/v1", "https://evil.example/v1?https://example.com/v1", false)]
    [InlineData("https://example.com/v1", "https://example.com@evil.example/v1", false)]
    [InlineData("https://example.com/v1", "https://user:word@example.com/v1", false)]
    [InlineData("https://example.com/v1", "https://example.com./v1", false)]
    [InlineData("https://example.com/v1", "https://sub.example.com/v1", false)]
    [InlineData("https://*.example.com/v1", "https://sub.example.com/v1", true)]
    [InlineData("https://*.example.com/v1", "https://a.b.example.com/v1", true)]
    [InlineData("https://*.example.com/v1", "https://example.com/v1", false)]
    [InlineData("https://*.example.com/v1", "https://badexample.com/v1", false)]
    [InlineData("https://*.example.com/v1", "https://sub.example.com.evil.example/v1", false)]
    [InlineData("http://10.0.0.5:8080/v1", "http://10.0.0.5:8080/v1", true)]
    [InlineData("http://10.0.0.5:8080/v1", "http://10.0.0.5/v1", false)]
    public void Allows_AnAddress_OnlyWhereThePatternSaysSo(string pattern, string endpoint, bool allowed)
    {
        Assert.Null(AllowedEndpoint.Problem(pattern));

        Assert.Equal(allowed, new AllowedEndpoint(pattern, null).Allows(new Uri(endpoint), null));
    }

    [Theory]
    [InlineData("example.com")]
    [InlineData("ftp://example.com")]
    [InlineData("https://*")]
    [InlineData("https://*.com/v1")]
    [InlineData("https://*/v1")]
    [InlineData("https://ex*mple.com/v1")]
    [InlineData("https://example.com:*/v1")]
    [InlineData("https://example.com/*")]
    [InlineData("https://user@example.com/v1")]
    [InlineData("https://example.com/v1?key=1")]
    [InlineData("*")]
    public void Problem_OfAPatternThatAllowsTooMuchOrNothing_IsSaid(string pattern) => Assert.NotNull(AllowedEndpoint.Problem(pattern));

    [Theory]
    [InlineData("TEAM_KEY", "TEAM_KEY", true)]
    [InlineData("TEAM_KEY", null, false)]
    [InlineData("TEAM_KEY", "OTHER_KEY", false)]
    [InlineData("TEAM_KEY", "team_key", false)]
    [InlineData(null, "TEAM_KEY", false)]
    [InlineData(null, null, true)]
    public void Allows_AKey_OnlyTheOneThatIsNamedWithTheAddress(string? entry, string? variable, bool allowed) =>
        Assert.Equal(allowed, new AllowedEndpoint("https://example.com/v1", entry).Allows(new Uri("https://example.com/v1"), variable));

    [Theory]
    [InlineData("openai", null, null, DefinitionOrigin.Request, true)]
    [InlineData("openai", null, "OPENAI_API_KEY", DefinitionOrigin.Request, true)]
    [InlineData("azure-openai", null, "AZURE_OPENAI_API_KEY", DefinitionOrigin.Request, true)]
    [InlineData("openai", null, "AZURE_OPENAI_API_KEY", DefinitionOrigin.File, false)]
    [InlineData("openai", null, "AWS_SECRET_ACCESS_KEY", DefinitionOrigin.File, false)]
    [InlineData("openai", "https://elsewhere.example/v1", null, DefinitionOrigin.File, false)]
    [InlineData("openai", "https://elsewhere.example/v1", "OPENAI_API_KEY", DefinitionOrigin.File, false)]
    [InlineData("azure-openai", "https://elsewhere.example", null, DefinitionOrigin.File, false)]
    [InlineData("openai", "https://allowed.example/v1", "TEAM_KEY", DefinitionOrigin.Request, true)]
    [InlineData("openai", "http://localhost:8080/v1", null, DefinitionOrigin.File, true)]
    [InlineData("openai", "http://[::1]:8080/v1", null, DefinitionOrigin.File, true)]
    [InlineData("openai", "http://127.0.0.1:8080/v1", null, DefinitionOrigin.Request, false)]
    [InlineData("openai", "http://127.0.0.1:8080/v1", "TEAM_KEY", DefinitionOrigin.File, false)]
    [InlineData("openai", "http://localhost.evil.example/v1", null, DefinitionOrigin.File, false)]
    [InlineData("openai", "http://127.0.0.1@evil.example/v1", null, DefinitionOrigin.File, false)]
    [InlineData("offline", "https://elsewhere.example/v1", "ANY", DefinitionOrigin.Request, true)]
    public void Refuse_AModel_UnlessTheSettingsAllowIt(string provider, string? endpoint, string? variable, DefinitionOrigin origin, bool allowed)
    {
        var policy = new EndpointPolicy(new AllowedEndpoint("https://allowed.example/v1", "TEAM_KEY"));
        var model = new ModelDefinition { Name = "m", Provider = provider, Model = "x", Endpoint = endpoint is null ? null : new Uri(endpoint), ApiKeyVariable = variable };

        var refusal = policy.Refuse(model, origin);

        Assert.Equal(allowed, refusal is null);
        Assert.DoesNotContain("127.0.0.1@", refusal?.Message ?? "", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("OPENAI_API_KEY")]
    [InlineData("azure_openai_api_key")]
    [InlineData("AZURE_CLIENT_SECRET")]
    [InlineData("POLYPHONY_API_KEY")]
    [InlineData("AzureWebJobsStorage")]
    [InlineData("IDENTITY_HEADER")]
    public void Settings_ThatGiveAHostsOwnKeyAway_AreRefused(string variable)
    {
        var read = Settings($$"""{ "allowedEndpoints": [ { "endpoint": "https://example.com/v1", "apiKeyVariable": "{{variable}}" } ] }""");

        Assert.Equal(("invalid_value", "allowedEndpoints[0].apiKeyVariable"), Assert.Single(read.Problems) is var problem ? (problem.Code, problem.Path) : default);
        Assert.Empty(read.Endpoints.Allowed);
    }

    [Fact]
    public void Settings_WithSeveralFaults_SayAll()
    {
        var read = Settings("""{ "allowedEndpoints": [ "https://example.com", { "apiKeyVariable": "K" }, { "endpoint": "https://*.com" }, { "endpoint": "https://example.com", "key": "K" }, { "endpoint": "https://fine.example" } ] }""");

        Assert.Equal(
            ["allowedEndpoints[0]", "allowedEndpoints[1].endpoint", "allowedEndpoints[2].endpoint", "allowedEndpoints[3].key"], read.Problems.Select(problem => problem.Path));
        Assert.Equal("https://fine.example", Assert.Single(read.Endpoints.Allowed).Pattern);
    }

    [Fact]
    public void Parse_EndpointWithAPassword_IsRefusedWithoutRepeatingIt()
    {
        var problem = Assert.Single(WorkflowParser.Parse(JsonSource.Read("""
            { "name": "x", "models": { "m": { "provider": "openai", "model": "z", "endpoint": "https://me:pass-1@example.com/v1" } }, "nodes": { "n": { "transform": 1 } } }
            """).Root!).Problems);

        Assert.Equal("models.m.endpoint", problem.Path);
        Assert.DoesNotContain("pass-1", problem.ToString(), StringComparison.Ordinal);
    }

    private static ModelAliases Settings(string json) => ModelAliases.Parse(JsonSource.Read(JsonNode.Parse(json)!.ToJsonString()).Root!, "settings.json");
}
