using Polyphony.Activities.Providers;
using Polyphony.Activities.Telemetry;

namespace Polyphony.Activities;

/// <summary>Settings of <see cref="PolyphonyActivities"/>. Read once.</summary>
internal sealed record ActivitiesOptions
{
    /// <summary>The default of <see cref="PayloadCacheBytes"/>: 64 MB.</summary>
    public const long DefaultPayloadCacheBytes = 64L * 1024 * 1024;

    /// <summary>The default of <see cref="ToolTimeout"/>: 30 seconds.</summary>
    public static readonly TimeSpan DefaultToolTimeout = TimeSpan.FromSeconds(30);

    /// <summary>Gets how many bytes of JSON text are kept parsed; the memory taken is some two to three times that. 0 or more, default 64 MB.</summary>
    public long PayloadCacheBytes { get; init; } = DefaultPayloadCacheBytes;

    /// <summary>Gets how long one tool call may take; default 30 seconds.</summary>
    public TimeSpan ToolTimeout { get; init; } = DefaultToolTimeout;

    /// <summary>Gets what models cost; by default nothing is known, and costs are recorded as unknown.</summary>
    public PriceTable Prices { get; init; } = PriceTable.Empty;

    /// <summary>Gets a value indicating whether spans have prompts and answers. By default only if <c>OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT</c> is <c>true</c>.</summary>
    public bool TracesMessages { get; init; } = string.Equals(Environment.GetEnvironmentVariable(MessageText.Variable), "true", StringComparison.OrdinalIgnoreCase);

    internal ActivitiesOptions Validated()
    {
        List<string> problems = [];
        if (PayloadCacheBytes < 0)
        {
            problems.Add($"{nameof(PayloadCacheBytes)} must be 0 or more, and is {PayloadCacheBytes}.");
        }

        if (ToolTimeout <= TimeSpan.Zero)
        {
            problems.Add($"{nameof(ToolTimeout)} must be above zero, and is {ToolTimeout}.");
        }

        foreach (var (model, price) in Prices.Models)
        {
            if (IsNegative(price) || (price.Above is { } above && (IsNegative(above.Price) || above.Tokens <= 0)))
            {
                problems.Add($"The price of \"{model}\" must not be negative.");
            }
        }

        return problems.Count == 0 ? this : throw new ArgumentException(string.Join(' ', problems));
    }

    private static bool IsNegative(ModelPrice price) => price.InputPerMillion < 0 || price.OutputPerMillion < 0 || price.CachedInputPerMillion < 0;
}
