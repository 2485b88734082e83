using Polyphony.Activities.Providers;
using Polyphony.Activities.Providers.Offline;
using Polyphony.Activities.Providers.OpenAI;
using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Sources;
using Polyphony.Core.Runs;

namespace Polyphony.Activities.Tests.Providers;

[Trait("Row", "C9")]
public sealed class ModelRegistryTests
{
    [Fact]
    [Trait("Exempt", "models and keys of the host")]
    public void Resolve_AliasInBoth_IsTheWorkflows()
    {
        var registry = new ModelRegistry([new OfflineProvider()], new Dictionary<string, ModelDefinition>
        {
            ["fast"] = new() { Name = "fast", Provider = "offline", Model = "host" },
            ["slow"] = new() { Name = "slow", Provider = "offline", Model = "host" },
        });
        var workflow = Workflow("fast: { provider: offline, model: file }");

        Assert.Equal("file", registry.Resolve(workflow, "fast").Definition.Model);
        Assert.Equal("host", registry.Resolve(workflow, "slow").Definition.Model);
    }

    [Theory]
    [Trait("Exempt", "models and keys of the host")]
    [InlineData("fast: { provider: offline }", "other", ErrorCodes.ModelNotFound, "\"other\"")]
    [InlineData("fast: { provider: azure-openai, model: m }", "fast", ErrorCodes.ModelNotFound, "\"azure-openai\"")]
    [InlineData("fast: { provider: openai, model: m, endpoint: \"http://example.com/v1\" }", "fast", ErrorCodes.EndpointNotAllowed, "allowedEndpoints")]
    [InlineData("fast: { provider: openai, model: m, endpoint: \"http://127.0.0.1.example.com/v1\" }", "fast", ErrorCodes.EndpointNotAllowed, "allowedEndpoints")]
    [InlineData("fast: { provider: openai, model: m, endpoint: \"https://example.com/v1\", apiKeyVariable: HOME }", "fast", ErrorCodes.EndpointNotAllowed, "HOME")]
    [InlineData("fast: { provider: openai, model: m, apiKeyVariable: HOME }", "fast", ErrorCodes.EndpointNotAllowed, "HOME")]
    public void Resolve_WhatCannotBe_IsTerminalAndSaysWhy(string models, string alias, string code, string says)
    {
        var registry = new ModelRegistry([new OfflineProvider(), new OpenAIProvider(_ => null)]);

        var exception = Assert.Throws<ModelException>(() => registry.Resolve(Workflow(models), alias));

        Assert.Equal((code, ErrorKind.Terminal), (exception.Error.Code, exception.Error.Kind));
        Assert.Contains(says, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [Trait("Exempt", "models and keys of the host")]
    [InlineData("http://localhost:8080/v1")]
    [InlineData("http://[::1]:8080/v1")]
    [InlineData("https://example.com/v1")]
    public void Resolve_EndpointOnLoopbackOrOfTheSettings_IsAllowed(string endpoint) =>
        Assert.NotNull(new ModelRegistry([new OpenAIProvider(_ => null)], endpoints: new EndpointPolicy(new AllowedEndpoint("https://example.com", null))).Resolve(Workflow($"fast: {{ provider: openai, model: m, endpoint: \"{endpoint}\" }}"), "fast").Client);

    [Theory]
    [Trait("Row", "C11")]
    [InlineData("gpt-4.1-mini-2025-04-14", "gpt-4.1-mini", "0.0000028")]
    [InlineData("unheard-of", "gpt-4.1-mini", "0.0000028")]
    [InlineData(null, "dated", "1.5")]
    [InlineData("unheard-of", null, null)]
    public void Cost_OfAModel_IsPerMillionTokens(string? response, string? requested, string? expected)
    {
        // 3 * 0.40 + 1 * 1.60 = 2.80 dollars a million; 3 * 400,000 + 1 * 300,000 = 1.5 million dollars a million.
        var prices = new PriceTable(new DateOnly(2026, 1, 1), new Dictionary<string, ModelPrice> { ["gpt-4.1-mini"] = new(0.40m, 1.60m), ["dated"] = new(400_000m, 300_000m) });

        Assert.Equal(expected is null ? null : decimal.Parse(expected, System.Globalization.CultureInfo.InvariantCulture), prices.Cost(response, requested, 3, 0, 1));
    }

    private static WorkflowDefinition Workflow(string models) => WorkflowParser.Parse(YamlSource.Read($$"""
        name: sample
        models:
          {{models}}
        nodes:
          one: { transform: { value: 1 } }
        """).Root!).Require();
}
