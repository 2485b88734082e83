using System.Globalization;
using System.Text.Json;
using Polyphony.Activities.Providers;
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

    [Fact]
    public void Shipped_UsualModels_HavePricesAndADate()
    {
        var prices = PriceTable.Shipped;

        Assert.True(prices.AsOf >= new DateOnly(2026, 1, 1), $"{prices.AsOf}");
        Assert.Equal(new ModelPrice(0.40m, 1.60m, 0.10m), prices.Find("gpt-4.1-mini"));
        Assert.All(prices.Models.Values, price => Assert.True(
            price.InputPerMillion > 0 && price.OutputPerMillion >= price.InputPerMillion && (price.CachedInputPerMillion ?? price.InputPerMillion) <= price.InputPerMillion));
    }

    [Theory]
    [InlineData(200_000, 0, 1_000, "0.26")]
    [InlineData(200_001, 0, 1_000, "0.5150025")]
    [InlineData(400_000, 200_000, 1_000, "0.565")]
    public void Cost_LongRequest_HasThePriceOfItsLength(long input, long cached, long output, string dollars)
    {
        var usd = decimal.Parse(dollars, CultureInfo.InvariantCulture);

        // By hand: up to 200,000 tokens 1.25 (0.125 cached) and 10, above them 2.50 (0.25) and 15, for all tokens of the call.
        Assert.Equal(usd, PriceTable.Shipped.Cost("gemini-2.5-pro", null, input, cached, output));
        var table = PriceTable.Parse(JsonElement.Parse(
            """{"asOf":"2026-01-31","models":{"m":{"input":1.25,"cachedInput":0.125,"output":10,"above":{"tokens":200000,"input":2.5,"cachedInput":0.25,"output":15}}}}"""));
        Assert.Equal(usd, table.Cost("m", null, input, cached, output));
    }

    [Fact]
    public void Shipped_LongRequests_CostMore() => Assert.All(
        PriceTable.Shipped.Models.Values.Where(price => price.Above is not null),
        price => Assert.True(price.Above!.Tokens >= 100_000 && price.Above.Price.InputPerMillion > price.InputPerMillion && price.Above.Price.OutputPerMillion > price.OutputPerMillion));

    [Theory]
    [InlineData("gpt-4.1-mini-2025-04-14", true)]
    [InlineData("claude-sonnet-4-5-20250929", true)]
    [InlineData("gpt-4.1-mini-turbo", false)]
    [InlineData("my-gpt-4.1-mini", false)]
    [InlineData("", false)]
    public void Find_NameWithReleaseDay_IsTheModelWithout(string model, bool found) => Assert.Equal(found, PriceTable.Shipped.Find(model) is not null);

    [Fact]
    public void With_OtherPrices_CountFirst()
    {
        var prices = PriceTable.Shipped.With(PriceTable.Parse(JsonElement.Parse("""{"asOf":"2026-11-01","models":{"gpt-4.1-mini":{"input":7,"cachedInput":1,"output":9}}}""")));

        Assert.Equal(new ModelPrice(7, 9, 1), prices.Find("gpt-4.1-mini"));
        Assert.Equal(PriceTable.Shipped.Find("gpt-4.1"), prices.Find("gpt-4.1"));
    }

    [Theory]
    [InlineData("""{"asOf":"2026-01-31","models":{"c":{"input":1,"cachedInput":"x","output":1}}}""", "cachedInput")]
    [InlineData("""{"asOf":"2026-01-31","models":{"c":{"input":1,"output":1,"above":{"input":1,"output":1}}}}""", "\"above\", with the same and \"tokens\"")]
    [InlineData("""{"asOf":"2026-01-31","models":{"c":{"input":1,"output":1,"above":{"tokens":0,"input":1,"output":1}}}}""", "above")]
    [InlineData("""{"asOf":"2026-01-31","models":{"c":{"input":1,"output":1,"above":7}}}""", "above")]
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
                .GetClient(new Core.Definitions.ModelDefinition { Name = "fast", Provider = "openai", Model = "gpt-test" }),
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
