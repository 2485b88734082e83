using System.Text.Json;
using Microsoft.Extensions.AI;
using Polyphony.Core.Definitions;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;

namespace Polyphony.Activities.Tools;

/// <summary>
/// The tool call that is under way. A tool finds it in <see cref="Current"/>, and under <c>typeof(ToolCallContext)</c> in the <c>Context</c> of its <c>AIFunctionArguments</c>.
/// </summary>
public sealed class ToolCallContext
{
    private static readonly AsyncLocal<ToolCallContext?> Local = new();

    private readonly WorkflowDefinition? _workflow;
    private readonly List<(string Name, Payload Value)> _written = [];

    internal ToolCallContext(string effectKey, string tool, int attempt, WorkflowDefinition? workflow = null)
    {
        _workflow = workflow;
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

    /// <summary>
    /// Writes to a value of the workflow's state. It takes effect with the result of the call, when the node of the call has completed; what a call writes that throws is dropped. Writes count in the order of the
    /// node's calls, and within a call in that of the writes. Thread-safe.
    /// </summary>
    /// <typeparam name="T">The type, written with the web defaults of System.Text.Json.</typeparam>
    /// <param name="name">The value's name, from <c>state</c> of the workflow.</param>
    /// <param name="value">What is written: one element or an array of them to append, an object to merge, or a number.</param>
    /// <exception cref="PolyphonyException"><c>state_invalid</c>: there is no such value, it does not fit its schema or its reducer, or the reducer is <c>replace</c>, which tools can't use.</exception>
    public void WriteState<T>(string name, T value)
    {
        var json = value is JsonElement element ? element : JsonSerializer.SerializeToElement(value, JsonSerializerOptions.Web);
        var written = _workflow is null
            ? throw new PolyphonyException(ErrorCodes.StateInvalid, "The call belongs to no workflow, so there is no state to write.")
            : StateReducers.ToWriteOf(_workflow, name, json, mayReplace: false);
        lock (_written)
        {
            _written.Add((name, Payload.Inline(written.Clone())));
        }
    }

    /// <summary>Gets what was written so far.</summary>
    internal StateChange Written()
    {
        lock (_written)
        {
            return _workflow is null ? StateChange.None : StateChange.Of(_workflow, _written);
        }
    }

    /// <summary>Gets the call that arguments belong to; <see langword="null"/> if they are of no call of a workflow.</summary>
    /// <param name="arguments">The arguments.</param>
    internal static ToolCallContext? Of(AIFunctionArguments arguments) => arguments.Context?.TryGetValue(typeof(ToolCallContext), out var context) == true ? context as ToolCallContext : null;
}
