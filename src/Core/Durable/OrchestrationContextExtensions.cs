using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Polyphony.Core.Durable;

/// <summary>Type-safe forms of <see cref="OrchestrationContext"/>'s calls, over source-generated JSON contracts.</summary>
public static class OrchestrationContextExtensions
{
    /// <inheritdoc cref="OrchestrationContext.CallActivityAsync"/>
    /// <param name="context">The context.</param>
    /// <param name="name">The registered name.</param>
    /// <param name="input">The input.</param>
    /// <param name="inputType">The contract of the input.</param>
    /// <param name="outputType">The contract of the output.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    public static async Task<TOutput?> CallActivityAsync<TInput, TOutput>(
        this OrchestrationContext context, string name, TInput input, JsonTypeInfo<TInput> inputType, JsonTypeInfo<TOutput> outputType, CancellationToken cancellationToken = default)
    {
        var result = await context.CallActivityAsync(name, JsonSerializer.Serialize(input, inputType), cancellationToken);
        return result is null ? default : JsonSerializer.Deserialize(result, outputType);
    }

    /// <summary>Completes after <paramref name="delay"/> of orchestration time.</summary>
    /// <param name="context">The context.</param>
    /// <param name="delay">How long; zero or less means at once.</param>
    /// <param name="cancellationToken">Cancels the timer.</param>
    /// <returns>A task that completes when the timer fires.</returns>
    public static Task CreateTimerAsync(this OrchestrationContext context, TimeSpan delay, CancellationToken cancellationToken = default) =>
        context.CreateTimerAsync(context.CurrentUtcDateTime + delay, cancellationToken);
}
