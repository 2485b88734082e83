using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Polyphony.TestKit.OpenAI;

namespace Polyphony.Load.Tests.Settings;

/// <summary>Models and prices of the host's settings, through the real host: docs/models.md.</summary>
[Trait("Row", "C9")]
public sealed class ModelSettingsTests : IDisposable
{
    private readonly LoadFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    [Trait("Row", "C11")]
    public async Task Aliases_OfTheSettings_FallBackInOrderAndCostWhatTheTableSays()
    {
        await using var model = await FakeOpenAIServer.StartAsync(request => request.Model == "best"
            ? FakeOpenAIAnswer.Error(400, "content_filter", "not with this model")
            : FakeOpenAIAnswer.Text($"{request.Model} says {request.Prompt}", promptTokens: 1000, completionTokens: 200));
        var workflow = """
            name: aliases
            input: { type: object, required: [q], properties: { q: { type: string } } }
            agents: { a: { model: fast } }
            nodes: { one: { agent: a, prompt: "{{ input.q }}" } }
            """;
        _folder.Write("workflows/aliases.yaml", workflow);

        // The usual place: beside the data file.
        _folder.Write("data/settings.json", $$"""
            {
              "models": {
                "fast": { "provider": "openai", "model": "best", "fallback": ["keyless", "azure"] },
                "keyless": { "provider": "openai", "model": "never asked", "apiKeyVariable": "NOBODY_SET_THIS" },
                "azure": { "provider": "azure-openai", "model": "deployment" }
              },
              "prices": { "asOf": "2026-01-31", "models": { "fake-1": { "input": 0.50, "output": 2.50 } } }
            }
            """);

        // 1,000 * 0.50 + 200 * 2.50 = 1,000 dollars for a million.
        var status = await RunAsync("aliases", ("OPENAI_BASE_URL", model.Endpoint.ToString()), ("OPENAI_API_KEY", "key-1"), ("AZURE_OPENAI_ENDPOINT", model.Resource.ToString()), ("AZURE_OPENAI_API_KEY", "key-2"));

        Assert.Equal("completed", status.GetProperty("stopReason").GetString());
        Assert.Equal("deployment says tides", status.GetProperty("output").GetString());
        Assert.Equal(0.001m, status.GetProperty("usage").GetProperty("costUsd").GetDecimal());
        Assert.Equal(["best", "deployment"], model.Requests.Select(request => request.Model));
        Assert.Equal("Bearer key-1", model.Requests[0].Headers["Authorization"]);
        Assert.Equal("key-2", model.Requests[1].Headers["api-key"]);
    }

    [Fact]
    [Trait("Exempt", "models and keys of the host")]
    public async Task Alias_OfTheWorkflow_CountsBeforeThatOfTheSettings()
    {
        await using var model = await FakeOpenAIServer.StartAsync(request => FakeOpenAIAnswer.Text($"{request.Model} says {request.Prompt}"));
        _folder.Write("workflows/own.yaml", $$$"""
            name: own
            input: { type: object, required: [q], properties: { q: { type: string } } }
            models: { fast: { provider: openai, model: of-the-file, endpoint: "{{{model.Endpoint}}}" } }
            agents: { a: { model: fast } }
            nodes: { one: { agent: a, prompt: "{{ input.q }}" } }
            """);
        var settings = _folder.Write("elsewhere.json", """{ "models": { "fast": { "provider": "offline" } } }""");

        var status = await RunAsync("own", ("POLYPHONY_SETTINGS", settings), ("OPENAI_API_KEY", "of the host"));

        Assert.Equal("of-the-file says tides", status.GetProperty("output").GetString());

        // The host's key does not go to an address that a file names.
        Assert.DoesNotContain("of the host", Assert.Single(model.Requests).Headers["Authorization"], StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Exempt", "models and keys of the host")]
    public async Task Settings_Invalid_EndTheStartWithEveryProblemAndItsPlace()
    {
        var settings = _folder.Write("settings.json", """
            {
              "models": {
                "fast": { "provider": "openai", "apiKey": "sk-secret" },
                "slow": { "provider": "offline", "fallback": ["nobody"] }
              },
              "price": {}
            }
            """);

        var (code, said) = await EndAsync(("POLYPHONY_SETTINGS", settings));

        Assert.Equal(2, code);
        Assert.Contains($"{settings}:3:5: ", said, StringComparison.Ordinal);
        Assert.Contains("[missing_key]", said, StringComparison.Ordinal);
        Assert.Contains("Keys never stand in files", said, StringComparison.Ordinal);
        Assert.Contains("the fallback \"nobody\" is not an alias of these settings", said, StringComparison.Ordinal);
        Assert.Contains($"{settings}:6:3: ", said, StringComparison.Ordinal);
        Assert.DoesNotContain("sk-secret", said, StringComparison.Ordinal);
    }

    [Theory]
    [Trait("Exempt", "models and keys of the host")]
    [InlineData("""{ "prices": { "models": { "m": { "input": -1, "output": 1 } } } }""", "\"asOf\" must be")]
    [InlineData("""{ "models": """, "[json_syntax]")]
    [InlineData("[]", "settings are an object")]
    [InlineData(null, "cannot be read")]
    public async Task Settings_Unreadable_EndTheStart(string? text, string says)
    {
        var path = text is null ? Path.Combine(_folder.Path, "none.json") : _folder.Write("settings.json", text);

        var (code, said) = await EndAsync(("POLYPHONY_SETTINGS", path));

        Assert.Equal(2, code);
        Assert.Contains(says, said, StringComparison.Ordinal);
    }

    private async Task<JsonElement> RunAsync(string workflow, params (string, string)[] environment)
    {
        await using var host = HostProcess.Start(_folder.Path, environment);
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = await host.AddressAsync() };
        using var response = await http.PostAsJsonAsync($"api/workflows/{workflow}/instances?wait=60", new JsonObject { ["input"] = new JsonObject { ["q"] = "tides" } });
        return JsonElement.Parse(await response.Content.ReadAsStringAsync());
    }

    private async Task<(int Code, string Said)> EndAsync(params (string, string)[] environment)
    {
        await using var host = HostProcess.Start(_folder.Path, environment);
        return (await host.EndAsync(), host.Said);
    }
}
