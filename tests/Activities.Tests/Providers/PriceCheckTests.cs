using System.Text.Json;
using Microsoft.Extensions.Logging;
using Polyphony.Activities.Providers;
using Polyphony.Core.Definitions;
using Polyphony.Core.Definitions.Sources;
using Polyphony.TestKit.Logging;

namespace Polyphony.Activities.Tests.Providers;

/// <summary>Limits of money over models whose price nobody knows.</summary>
[Trait("Row", "C11")]
public sealed class PriceCheckTests
{
    private static readonly PriceCheck Prices = new ModelSettings(
        new Dictionary<string, ModelDefinition>
        {
            ["host"] = new() { Name = "host", Provider = "openai", Model = "house-model" },
            ["free"] = new() { Name = "free", Provider = "openai", Model = "llama" },
        },
        EndpointPolicy.Default,
        PriceTable.Shipped.With(PriceTable.Parse(JsonElement.Parse("""{"asOf":"2026-01-31","models":{"llama":{"input":0,"output":0}}}""")))).CheckPrices();

    [Theory]
    [InlineData("main: { provider: openai, model: gpt-4.1-mini }", null)]
    [InlineData("main: { provider: offline }", null)]
    [InlineData("main: { provider: openai, model: local }", "main")]
    [InlineData("main: { provider: azure-openai, model: my-deployment }", "main")]
    [InlineData("main: { provider: openai, model: gpt-4.1-mini, fallback: [free, host] }", "host")]
    [InlineData("other: { provider: openai, model: local }", null)]
    public void Check_LimitOfMoney_NeedsThePriceOfEveryModelInUse(string models, string? refused)
    {
        var problems = Problems(Workflow("limits: { maxCostUsd: 1 }", models));

        Assert.Equal(refused is null ? [] : [refused], problems.Select(problem => problem.Message.Split('"')[3]));
        Assert.All(problems, problem => Assert.Equal(("price_unknown", "limits.maxCostUsd", 2), (problem.Code, problem.Path, problem.Location.Line)));
        Assert.All(problems, problem => Assert.Contains("prices", problem.Hint, StringComparison.Ordinal));
    }

    [Fact]
    public void Check_NoLimit_NeedsNoPrice() => Assert.Empty(Problems(Workflow("limits: { maxTokens: 1 }", "main: { provider: openai, model: local }")));

    [Fact]
    public void Check_LimitOfTheStart_NeedsPricesToo() => Assert.Single(
        Prices.Check(Workflow("version: 1", "main: { provider: openai, model: local }").Require(), _ => null, isLimited: true));

    [Theory]
    [InlineData("limits: { maxCostUsd: 1 }", "", "limits.maxCostUsd")]
    [InlineData("version: 1", ", limits: { maxCostUsd: 1 }", "nodes.b.limits.maxCostUsd")]
    [InlineData("version: 1", "", null)]
    public void Check_SubWorkflow_CountsUnderTheLimitAroundIt(string top, string nodeLimits, string? path)
    {
        var child = Workflow("version: 1", "main: { provider: openai, model: local }").Require();
        var parent = WorkflowParser.Parse(YamlSource.Read($"name: parent\n{top}\nnodes: {{ b: {{ workflow: priced{nodeLimits} }} }}\n").Root!).Require();

        var problems = Prices.Check(parent, name => name == child.Name ? child : null);

        Assert.Equal(path is null ? [] : [path], problems.Select(problem => problem.Path));
    }

    [Fact]
    [Trait("Row", "C3")]
    public void Parse_LimitsPerMinute_AreSaidToHoldPerProcess() => Assert.Equal(
        ["limit_per_process", "limit_per_process"],
        Workflow("version: 1", "main: { provider: offline, requestsPerMinute: 5, tokensPerMinute: 6 }").Warnings.Select(warning => warning.Code));

    [Theory]
    [InlineData("openai, model: o3-mini, temperature: 0.2", true)]
    [InlineData("openai, model: gpt-5-mini, temperature: 0", true)]
    [InlineData("azure-openai, model: gpt-5, temperature: 1.5", true)]
    [InlineData("openai, model: gpt-5, temperature: 0, endpoint: 'https://api.openai.com/v1'", true)]
    [InlineData("openai, model: gpt-5, temperature: 1", false)]
    [InlineData("openai, model: gpt-5", false)]
    [InlineData("openai, model: gpt-5-chat-latest, temperature: 0", false)]
    [InlineData("openai, model: gpt-5.1, temperature: 0", false)]
    [InlineData("openai, model: gpt-4o, temperature: 0", false)]
    [InlineData("openai, model: gpt-5, temperature: 0, endpoint: 'https://gateway.example/v1'", false)]
    [Trait("Row", "T6")]
    public void Parse_TemperatureOfAModelThatTakesNone_IsWarnedOf(string model, bool isWarned) => Assert.Equal(
        isWarned ? ["temperature_refused"] : [],
        Workflow("version: 1", $"main: {{ provider: {model} }}").Warnings.Select(warning => warning.Code));

    [Fact]
    [Trait("Row", "C3")]
    public void Settings_WarnAsFilesDo()
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, """{ "models": { "fast": { "provider": "openai", "model": "o3", "temperature": 0, "requestsPerMinute": 5 } } }""");
            var settings = ModelSettings.Read(file);
            using var log = new LogRecorder();

            settings.LogWarnings(log);

            Assert.Equal([("temperature_refused", "models.fast.temperature"), ("limit_per_process", "models.fast.requestsPerMinute")], settings.Warnings.Select(warning => (warning.Code, warning.Path)));
            Assert.Equal(settings.Warnings.Select(warning => (LogLevel.Warning, 3030, warning.ToString())), log.Lines);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static IReadOnlyList<WorkflowProblem> Problems(WorkflowParseResult parsed) => Prices.Check(parsed.Require(), _ => null, locations: parsed.Locations);

    private static WorkflowParseResult Workflow(string top, string models) => WorkflowParser.Parse(YamlSource.Read($$"""
        name: priced
        {{top}}
        models: { {{models}} }
        agents: { a: { model: main } }
        nodes: { call: { agent: a, prompt: x } }
        """).Root!);
}
