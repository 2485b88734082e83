using System.Text.Json;
using Polyphony.Activities.Providers;
using Polyphony.Core;
using Polyphony.TestKit.OpenAI;

namespace Polyphony.Activities.Tests.Providers;

[Trait("Row", "C11")]
public sealed class PriceTableTests
{
    [Fact]
    public void Parse_Table_HasDateAndPrices()
    {
        var table = PriceTable.Parse(JsonElement.Parse("""{"asOf":"2026-01-31","models":{"fake-1":{"input":0.40,"output":1.60}}}"""));

        Assert.Equal(new DateOnly(2026, 1, 31), table.AsOf);
        Assert.Equal(new ModelPrice(0.40m, 1.60m), table.Models["fake-1"]);
    }

    [Theory]
    [InlineData("[]", "object")]
    [InlineData("""{"models":{}}""", "asOf")]
    [InlineData("""{"asOf":"31.1.2026"}""", "models")]
    [InlineData("""{"asOf":"2026-01-31","models":{"a":{"input":-1,"output":1},"b":{"input":"1","output":1}}}""", "\"b\"")]
    public void Parse_NotATable_SaysAllThatIsWrong(string json, string says)
    {
        var exception = Assert.Throws<PolyphonyException>(() => PriceTable.Parse(JsonElement.Parse(json)));

        Assert.Equal("prices_invalid", exception.Code);
        Assert.Contains(says, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Row", "C10")]
    public async Task Agent_KnownPrice_IsChargedOncePerAnswer()
    {
        await using var server = await FakeOpenAIServer.StartAsync("Done.");
        var harness = new ActivityHarness(
            new Activities.Providers.OpenAI.OpenAIProvider(name => name == "OPENAI_BASE_URL" ? server.Endpoint.ToString() : "key")
                .GetClient(new Core.Workflows.ModelDefinition { Name = "fast", Provider = "openai", Model = "gpt-test" }),
            options: new ActivitiesOptions { Prices = new PriceTable(new DateOnly(2026, 1, 31), new Dictionary<string, ModelPrice> { ["fake-1"] = new(2m, 10m) }) },
            workflow: ActivityHarness.Workflow.Replace("provider: offline", "provider: openai", StringComparison.Ordinal),
            provider: "openai");

        await harness.AgentAsync(harness.Call(), TestContext.Current.CancellationToken);
        var result = await harness.AgentAsync(harness.Call(), TestContext.Current.CancellationToken);

        // 11 tokens in at 2 and 7 out at 10 dollars a million.
        Assert.Equal(0.000092m, result.Usage.CostUsd);
        Assert.Equal(0.000092m, (await harness.Ledger.GetTotalsAsync(cancellationToken: TestContext.Current.CancellationToken)).CostUsd);
        Assert.Single(server.Requests);
    }
}
