using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Polyphony.Activities.Agents;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;

namespace Polyphony.Activities.Tools;

/// <summary>Calls the functions of tools, and those that find out whether a call has happened, within the limit of time.</summary>
internal sealed class ToolFunctions(TimeSpan timeout, TimeProvider timeProvider)
{
    /// <summary>Gets how long a call may take: the host's limit, or the tool's if that is shorter.</summary>
    public TimeSpan LimitOf(ResolvedTool tool) => tool.Timeout < timeout ? tool.Timeout.Value : timeout;

    /// <summary>Calls a tool.</summary>
    /// <exception cref="TimeoutException">It took too long.</exception>
    public async Task<JsonElement> InvokeAsync(ResolvedTool tool, JsonElement arguments, ToolCallContext context, CancellationToken cancellationToken)
    {
        var result = await WithinAsync(
            LimitOf(tool),
            async token =>
            {
                ToolCallContext.Current = context;
                return await tool.Function.InvokeAsync(
                    new AIFunctionArguments(ToolArguments.FromJson(arguments)!) { Context = new Dictionary<object, object?> { [typeof(ToolCallContext)] = context } }, token);
            },
            cancellationToken);
        return ToJson(tool.Function, result);
    }

    /// <summary>Does something within the host's limit.</summary>
    public Task<T> WithinLimitAsync<T>(Func<CancellationToken, Task<T>> run, CancellationToken cancellationToken) => WithinAsync(timeout, run, cancellationToken);

    private async Task<T> WithinAsync<T>(TimeSpan time, Func<CancellationToken, Task<T>> run, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(time, timeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            // On another thread, because a function may block before its first await, and the limit holds for it as well. Through the context that the activity runs in, if it has one: a clock
            // that skips time must see that there is work.
            var scheduler = SynchronizationContext.Current is null ? TaskScheduler.Default : TaskScheduler.FromCurrentSynchronizationContext();
            var call = Task.Factory.StartNew(() => run(either.Token), either.Token, TaskCreationOptions.DenyChildAttach, scheduler).Unwrap();
            return await call.WaitAsync(either.Token);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException();
        }
    }

    /// <summary>Makes JSON of what a tool gives.</summary>
    public static JsonElement ToJson(AIFunction tool, object? result) => result switch
    {
        null => Payload.Null.Json!.Value,
        JsonElement { ValueKind: JsonValueKind.Undefined } => Payload.Null.Json!.Value,
        JsonElement json => Whole(json),
        string text => CallJson.Text(text),
        _ => JsonSerializer.SerializeToElement(result, tool.JsonSerializerOptions),
    };

    // What a tool says is data: a half of a character in it is replaced as in an answer of a model, and is no reason to call it again.
    private static JsonElement Whole(JsonElement json)
    {
        var bytes = JsonMarshal.GetRawUtf8Value(json).ToArray();
        return Surrogates.ReplaceEscaped(bytes) == 0 ? json : JsonElement.Parse(bytes, JsonLimits.Document);
    }
}
