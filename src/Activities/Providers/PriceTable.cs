using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Polyphony.Activities.Providers.Offline;
using Polyphony.Core.Definitions;
using Polyphony.Core.Json;

namespace Polyphony.Activities.Providers;

/// <summary>What models cost, as of a date. The program comes with the list prices of the usual ones; a host's settings override them, because prices change more often than programs.</summary>
/// <param name="AsOf">The day on which the prices were looked up.</param>
/// <param name="Models">The prices by the provider's name of the model.</param>
internal sealed partial record PriceTable(DateOnly AsOf, IReadOnlyDictionary<string, ModelPrice> Models)
{
    private static readonly Lazy<PriceTable> LazyShipped = new(ReadShipped);

    /// <summary>Gets a table without prices: every cost is unknown.</summary>
    public static PriceTable Empty { get; } = new(DateOnly.MinValue, new Dictionary<string, ModelPrice>());

    /// <summary>Gets the list prices that come with the program.</summary>
    public static PriceTable Shipped => LazyShipped.Value;

    /// <summary>
    /// Reads a table: <c>{"asOf":"2026-01-31","models":{"gpt-4.1-mini":{"input":0.40,"cachedInput":0.10,"output":1.60}}}</c>, prices in US dollars for a million tokens.
    /// <c>cachedInput</c> may be left out; then cached tokens cost as much as others. <c>above</c> has the prices of requests with more than so many tokens:
    /// <c>{"tokens":200000,"input":2.5,"output":15}</c>.
    /// </summary>
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
                    if (Price(model.Value) is { } price)
                    {
                        models[model.Name] = price;
                    }
                    else
                    {
                        problems.Add($"\"{model.Name}\" must have \"input\" and \"output\", and may have \"cachedInput\", each a number of US dollars for a million tokens, 0 or more; and \"above\", with the same and \"tokens\", a whole number above 0");
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
    /// <param name="cachedInputTokens">How many of them the provider had in its cache.</param>
    /// <param name="outputTokens">Tokens of the answer.</param>
    /// <returns>US dollars, or <see langword="null"/> when neither name has a price.</returns>
    public decimal? Cost(string? responseModel, string? requestedModel, long inputTokens, long cachedInputTokens, long outputTokens)
    {
        if ((Find(responseModel) ?? Find(requestedModel)) is not { } price)
        {
            return null;
        }

        // The whole request has the price of its length.
        price = price.Above is { } above && inputTokens > above.Tokens ? above.Price : price;
        var cached = price.CachedInputPerMillion ?? price.InputPerMillion;
        return ((price.InputPerMillion * (inputTokens - cachedInputTokens)) + (cached * cachedInputTokens) + (price.OutputPerMillion * outputTokens)) / 1_000_000m;
    }

    /// <summary>Determines whether it is known what a model costs, by the name under which it is called. The offline model costs nothing.</summary>
    /// <param name="model">The model.</param>
    public bool Knows(ModelDefinition model) => model.Provider == OfflineProvider.ProviderName || Find(model.Model) is not null;

    /// <summary>Finds the price of a model: by its name, or by its name without the day of its release, such as <c>-2025-04-14</c> or <c>-20250414</c>.</summary>
    /// <param name="model">The provider's name of the model.</param>
    /// <returns>The price, or <see langword="null"/> when there is none.</returns>
    public ModelPrice? Find(string? model) =>
        model is null ? null : Models.GetValueOrDefault(model) ?? Models.GetValueOrDefault(ReleaseDay().Replace(model, ""));

    /// <summary>Puts other prices in place of those of this table.</summary>
    /// <param name="other">The prices that count first.</param>
    /// <returns>A table with the prices of both, as of the day of this one.</returns>
    public PriceTable With(PriceTable other)
    {
        var models = new Dictionary<string, ModelPrice>(Models, StringComparer.Ordinal);
        foreach (var (model, price) in other.Models)
        {
            models[model] = price;
        }

        return this with { Models = models };
    }

    private static PriceTable ReadShipped()
    {
        using var stream = typeof(PriceTable).Assembly.GetManifestResourceStream("prices.json")!;
        using var document = JsonDocument.Parse(stream, JsonLimits.Document);
        return Parse(document.RootElement);
    }

    [GeneratedRegex(@"-20\d\d(?:-\d\d-\d\d|\d\d\d\d)\z", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex ReleaseDay();

    private static ModelPrice? Price(JsonElement model)
    {
        if (Base(model) is not { } price || !model.TryGetProperty("above", out var above))
        {
            return Base(model);
        }

        return Base(above) is { } higher && above.TryGetProperty("tokens", out var count) && count.ValueKind == JsonValueKind.Number && count.TryGetInt64(out var tokens) && tokens > 0
            ? price with { Above = new LongPromptPrice(tokens, higher) }
            : null;
    }

    private static ModelPrice? Base(JsonElement model)
    {
        var hasCached = model.ValueKind == JsonValueKind.Object && model.TryGetProperty("cachedInput", out _);
        var cached = hasCached ? Price(model, "cachedInput") : null;
        return Price(model, "input") is { } input && Price(model, "output") is { } output && hasCached == cached is not null
            ? new ModelPrice(input, output, cached)
            : null;
    }

    private static decimal? Price(JsonElement model, string name) =>
        model.ValueKind == JsonValueKind.Object && model.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out var price) && price >= 0
            ? price
            : null;
}

/// <summary>The price of a model, in US dollars.</summary>
/// <param name="InputPerMillion">For a million tokens of requests.</param>
/// <param name="OutputPerMillion">For a million tokens of answers.</param>
/// <param name="CachedInputPerMillion">For a million tokens of requests that the provider has in its cache; <see langword="null"/>: as much as for others.</param>
public sealed record ModelPrice(decimal InputPerMillion, decimal OutputPerMillion, decimal? CachedInputPerMillion = null)
{
    /// <summary>Gets the price of long requests; <see langword="null"/>: the same.</summary>
    public LongPromptPrice? Above { get; init; }
}

/// <summary>The price of requests that are longer than usual, for all of their tokens and those of their answers.</summary>
/// <param name="Tokens">It holds for requests of more tokens than that, cached ones included.</param>
/// <param name="Price">The price.</param>
public sealed record LongPromptPrice(long Tokens, ModelPrice Price);
