namespace Polyphony.Activities.Providers;

/// <summary>What models cost, as of a date. Prices are settings: they change more often than this product.</summary>
/// <param name="AsOf">The day on which the prices were looked up.</param>
/// <param name="Models">The prices by the provider's name of the model.</param>
public sealed record PriceTable(DateOnly AsOf, IReadOnlyDictionary<string, ModelPrice> Models)
{
    /// <summary>Gets a table without prices: every cost is unknown.</summary>
    public static PriceTable Empty { get; } = new(DateOnly.MinValue, new Dictionary<string, ModelPrice>());

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

    private ModelPrice? Find(string? model) => model is not null && Models.TryGetValue(model, out var price) ? price : null;
}

/// <summary>The price of a model, in US dollars.</summary>
/// <param name="InputPerMillion">For a million tokens of requests.</param>
/// <param name="OutputPerMillion">For a million tokens of answers.</param>
public sealed record ModelPrice(decimal InputPerMillion, decimal OutputPerMillion);
