using System.Globalization;
using System.Text.Json;
using Polyphony.Core;

namespace Polyphony.Activities.Providers;

/// <summary>What models cost, as of a date. Prices are settings: they change more often than this product.</summary>
/// <param name="AsOf">The day on which the prices were looked up.</param>
/// <param name="Models">The prices by the provider's name of the model.</param>
public sealed record PriceTable(DateOnly AsOf, IReadOnlyDictionary<string, ModelPrice> Models)
{
    /// <summary>Gets a table without prices: every cost is unknown.</summary>
    public static PriceTable Empty { get; } = new(DateOnly.MinValue, new Dictionary<string, ModelPrice>());

    /// <summary>Reads a table: <c>{"asOf":"2026-01-31","models":{"gpt-4.1-mini":{"input":0.40,"output":1.60}}}</c>, prices in US dollars for a million tokens.</summary>
    /// <param name="json">The table.</param>
    /// <returns>The table.</returns>
    /// <exception cref="PolyphonyException"><c>prices_invalid</c>: it is not of that form; the message lists everything that is wrong.</exception>
    public static PriceTable Parse(JsonElement json)
    {
        List<string> problems = [];
        var models = new Dictionary<string, ModelPrice>(StringComparer.Ordinal);
        var asOf = DateOnly.MinValue;
        if (json.ValueKind != JsonValueKind.Object)
        {
            problems.Add("an object was expected");
        }
        else
        {
            if (!json.TryGetProperty("asOf", out var date)
                || date.ValueKind != JsonValueKind.String
                || !DateOnly.TryParseExact(date.GetString(), "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out asOf))
            {
                problems.Add("\"asOf\" must be the day on which the prices were looked up, such as \"2026-01-31\"");
            }

            if (!json.TryGetProperty("models", out var list) || list.ValueKind != JsonValueKind.Object)
            {
                problems.Add("\"models\" must be an object of prices by model");
            }
            else
            {
                foreach (var model in list.EnumerateObject())
                {
                    if (Price(model.Value, "input") is { } input && Price(model.Value, "output") is { } output)
                    {
                        models[model.Name] = new ModelPrice(input, output);
                    }
                    else
                    {
                        problems.Add($"\"{model.Name}\" must have \"input\" and \"output\", each a number of US dollars for a million tokens, 0 or more");
                    }
                }
            }
        }

        return problems.Count == 0
            ? new PriceTable(asOf, models)
            : throw new PolyphonyException("prices_invalid", $"The price table is not valid: {string.Join("; ", problems)}.");
    }

    /// <summary>Works out what a call cost.</summary>
    /// <param name="responseModel">The model that answered, such as <c>gpt-4.1-mini-2025-04-14</c>; looked up first.</param>
    /// <param name="requestedModel">The model that was asked for, such as <c>gpt-4.1-mini</c> or a deployment.</param>
    /// <param name="inputTokens">Tokens of the request.</param>
    /// <param name="outputTokens">Tokens of the answer.</param>
    /// <returns>US dollars, or <see langword="null"/> when neither name has a price.</returns>
    public decimal? Cost(string? responseModel, string? requestedModel, long inputTokens, long outputTokens)
    {
        var price = Find(responseModel) ?? Find(requestedModel);
        return price is null ? null : ((price.InputPerMillion * inputTokens) + (price.OutputPerMillion * outputTokens)) / 1_000_000m;
    }

    private static decimal? Price(JsonElement model, string name) =>
        model.ValueKind == JsonValueKind.Object && model.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out var price) && price >= 0
            ? price
            : null;

    private ModelPrice? Find(string? model) => model is not null && Models.TryGetValue(model, out var price) ? price : null;
}

/// <summary>The price of a model, in US dollars.</summary>
/// <param name="InputPerMillion">For a million tokens of requests.</param>
/// <param name="OutputPerMillion">For a million tokens of answers.</param>
public sealed record ModelPrice(decimal InputPerMillion, decimal OutputPerMillion);
