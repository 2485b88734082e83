using Microsoft.Extensions.AI;

namespace Polyphony.Activities.Tools;

/// <summary>
/// The tool call that is under way. A tool finds it in <see cref="Current"/>, and under <c>typeof(ToolCallContext)</c> in the <c>Context</c> of its <c>AIFunctionArguments</c>.
/// </summary>
public sealed class ToolCallContext
{
    private static readonly AsyncLocal<ToolCallContext?> Local = new();

    internal ToolCallContext(string effectKey, string tool, int attempt)
    {
        EffectKey = effectKey;
        Tool = tool;
        Attempt = attempt;
    }

    /// <summary>Gets the call that is under way; <see langword="null"/> outside of tools.</summary>
    public static ToolCallContext? Current
    {
        get => Local.Value;
        internal set => Local.Value = value;
    }

    /// <summary>
    /// Gets the key of the call's effect: the instance, the activation and the call, such as <c>run-7/pay[3]#2/1.0</c>. The same however often the call is delivered or tried, and of no other call.
    /// A tool that passes it on as an idempotency key can be declared <see cref="ToolOptions.Idempotent"/>.
    /// </summary>
    public string EffectKey { get; }

    /// <summary>Gets the tool's name.</summary>
    public string Tool { get; }

    /// <summary>Gets the attempt by the retry policy, from 1.</summary>
    public int Attempt { get; }

    /// <summary>Gets the call that arguments belong to; <see langword="null"/> if they are of no call of a workflow.</summary>
    /// <param name="arguments">The arguments.</param>
    internal static ToolCallContext? Of(AIFunctionArguments arguments) => arguments.Context?.TryGetValue(typeof(ToolCallContext), out var context) == true ? context as ToolCallContext : null;
}
