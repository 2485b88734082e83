using System.Text.Json;

namespace Polyphony.Activities.Tools;

/// <summary>What a tool declares of its calls. A workflow may say otherwise of <see cref="Idempotent"/>.</summary>
public sealed record ToolOptions
{
    /// <summary>Gets the options of a tool that declares nothing.</summary>
    internal static ToolOptions None { get; } = new();

    /// <summary>Gets the options of an idempotent tool.</summary>
    internal static ToolOptions OfIdempotent { get; } = new() { Idempotent = true };

    /// <summary>
    /// Gets a value indicating whether a second call with the same effect key and arguments changes nothing that the first has not changed, so that a call that may have happened is simply made again.
    /// By default it is not: such a call is given to <see cref="Check"/>, else to a person.
    /// </summary>
    public bool Idempotent { get; init; }

    /// <summary>Gets what finds out whether a call has happened that was begun and whose end is not known; <see langword="null"/>: a person is asked. May run more than once.</summary>
    public Func<ToolCheck, CancellationToken, ValueTask<ToolCheckResult>>? Check { get; init; }
}

/// <summary>A tool call that may have happened: it was begun, and its end was not recorded.</summary>
/// <param name="EffectKey">The key that the call had: <see cref="ToolCallContext.EffectKey"/>.</param>
/// <param name="Tool">The tool.</param>
/// <param name="Arguments">The arguments, an object.</param>
/// <param name="BegunTime">When it was first begun.</param>
/// <param name="Services">The services of this check; <see langword="null"/> if the tool was added without any.</param>
public sealed record ToolCheck(string EffectKey, string Tool, JsonElement Arguments, DateTimeOffset BegunTime, IServiceProvider? Services = null);

/// <summary>What is known of a tool call that may have happened.</summary>
public sealed class ToolCheckResult
{
    private ToolCheckResult(bool? hasHappened, object? result)
    {
        HasHappened = hasHappened;
        Result = result;
    }

    /// <summary>Gets the answer that nobody knows: a person is asked.</summary>
    public static ToolCheckResult Unknown { get; } = new(null, null);

    /// <summary>Gets the answer that it has not happened and will not: it is made again. Where the first call may still arrive, the answer is <see cref="Unknown"/>.</summary>
    public static ToolCheckResult DidNotHappen { get; } = new(false, null);

    /// <summary>Gets a value indicating whether it has happened; <see langword="null"/> if that is not known.</summary>
    public bool? HasHappened { get; }

    /// <summary>Gets what the call returned, if it has happened.</summary>
    public object? Result { get; }

    /// <summary>Makes the answer that it has happened.</summary>
    /// <param name="result">What the call returned: the workflow goes on with it.</param>
    /// <returns>The answer.</returns>
    public static ToolCheckResult Happened(object? result) => new(true, result);
}
