using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;
using Polyphony.Core.Locks;
using Polyphony.Core.Payloads;
using Polyphony.Core.Topics;
using Polyphony.Expressions;

namespace Polyphony.Core.Runs;

/// <summary>
/// The interpreter's calls to its activities. Expressions over values in place are evaluated here, without an activity; what needs the
/// payload store goes to one. Counts durable operations.
/// </summary>
internal sealed class RunCalls(OrchestrationContext context, WorkflowDefinition definition, string rootInstanceId, string? rootWorkflow = null)
{
    /// <summary>How much one call may carry: leaves room for what stands around the values.</summary>
    public const int MaxCallBytes = 40 * 1024;

    private const int ReferenceBytes = 160;

    public OrchestrationContext Context => context;

    public string RootInstanceId => rootInstanceId;

    /// <summary>Gets the workflow of the instance at the root.</summary>
    public string RootWorkflow => rootWorkflow ?? definition.Name;

    /// <summary>Gets how many durable operations this generation has begun.</summary>
    public int Operations { get; private set; }

    public static int SizeOf(Payload? payload) => payload switch
    {
        null => 0,
        { IsInline: true } => payload.Text.Length,
        _ => ReferenceBytes,
    };

    /// <summary>Calls a model. A call that is cancelled ends with <see cref="ErrorCodes.Cancelled"/>.</summary>
    public async Task<AgentCallResult> CallAgentAsync(AgentCall call, CancellationToken cancellationToken)
    {
        Operations++;
        try
        {
            return (await context.CallActivityAsync(
                TaskNames.Agent, call, CoreJsonContext.Default.AgentCall, CoreJsonContext.Default.AgentCallResult, cancellationToken))
                ?? new AgentCallResult { Error = CallError.NoResult };
        }
        catch (OperationCanceledException)
        {
            return new AgentCallResult { Error = CallError.Cancelled };
        }
        catch (TaskFailedException failed)
        {
            return new AgentCallResult { Error = ErrorOf(failed) };
        }
        catch (PayloadTooLargeException tooLarge)
        {
            return new AgentCallResult { Error = ErrorOf(tooLarge) };
        }
    }

    /// <summary>Calls a tool. A call that is cancelled ends with <see cref="ErrorCodes.Cancelled"/>.</summary>
    public async Task<ToolCallResult> CallToolAsync(ToolCall call, CancellationToken cancellationToken)
    {
        Operations++;
        try
        {
            return (await context.CallActivityAsync(
                TaskNames.Tool, call, CoreJsonContext.Default.ToolCall, CoreJsonContext.Default.ToolCallResult, cancellationToken))
                ?? new ToolCallResult(null, CallError.NoResult);
        }
        catch (OperationCanceledException)
        {
            return new ToolCallResult(null, CallError.Cancelled);
        }
        catch (TaskFailedException failed)
        {
            return new ToolCallResult(null, ErrorOf(failed));
        }
        catch (PayloadTooLargeException tooLarge)
        {
            return new ToolCallResult(null, ErrorOf(tooLarge));
        }
    }

    /// <summary>Makes several calls in one activity.</summary>
    /// <exception cref="OperationCanceledException">The calls were cancelled.</exception>
    public async Task<TResult?[]> CallBatchAsync<TCall, TResult>(
        string activity, TCall[] batch, JsonTypeInfo<TCall[]> callType, JsonTypeInfo<TResult?[]> resultType, CancellationToken cancellationToken)
        where TResult : class
    {
        Operations++;

        // Without a result, as when it was given up by mistake, each is called alone.
        return await context.CallActivityAsync(activity, batch, callType, resultType, cancellationToken) ?? new TResult?[batch.Length];
    }

    /// <summary>Finds who gets a message, and puts it together.</summary>
    public async Task<PublishResult> PublishAsync(PublishCall call)
    {
        Operations++;
        try
        {
            return (await context.CallActivityAsync(TaskNames.Publish, call, CoreJsonContext.Default.PublishCall, CoreJsonContext.Default.PublishResult))!;
        }
        catch (TaskFailedException failed)
        {
            return new PublishResult(null, ErrorOf(failed));
        }
        catch (PayloadTooLargeException tooLarge)
        {
            return new PublishResult(null, ErrorOf(tooLarge));
        }
    }

    /// <summary>Asks for a lock.</summary>
    /// <returns>The keeper that was told; <see langword="null"/>: it did not work, for now.</returns>
    public async Task<string?> AskForLockAsync(LockRequest request, CancellationToken cancellationToken)
    {
        Operations++;
        try
        {
            return await context.CallActivityAsync(TaskNames.AskForLock, request, CoreJsonContext.Default.LockRequest, CoreJsonContext.Default.String, cancellationToken);
        }
        catch (TaskFailedException)
        {
            return null;
        }
    }

    /// <summary>Tells a keeper that a request is over. Nothing happens if it has ended.</summary>
    public void ReleaseLock(string keeper, string requestId)
    {
        Operations++;
        context.SendEvent(keeper, EventNames.Lock, JsonSerializer.Serialize(new LockMessage(Release: requestId), CoreJsonContext.Default.LockMessage));
    }

    public async Task<string?> CallChildAsync(string name, string instanceId, string input)
    {
        Operations++;
        return await context.CallSubOrchestrationAsync(name, instanceId, input);
    }

    public Task CreateTimerAsync(DateTimeOffset fireAt, CancellationToken cancellationToken)
    {
        Operations++;
        return context.CreateTimerAsync(fireAt, cancellationToken);
    }

    public Task<string?> WaitForEventAsync(string name, CancellationToken cancellationToken)
    {
        Operations++;
        return context.WaitForExternalEventAsync(name, cancellationToken);
    }

    public Task FailAsync(FailCall call)
    {
        Operations++;
        return context.CallActivityAsync(TaskNames.Fail, JsonSerializer.Serialize(call, CoreJsonContext.Default.FailCall));
    }

    /// <summary>Tells the end of the run to those who trace it. That it can't be told is no reason to fail.</summary>
    public async Task TraceEndAsync(TracedEnd end)
    {
        Operations++;
        try
        {
            await context.CallActivityAsync(TaskNames.TraceEnd, JsonSerializer.Serialize(end, CoreJsonContext.Default.TracedEnd));
        }
        catch (TaskFailedException)
        {
        }
    }

    /// <summary>Evaluates an expression; a value above the inline limit comes as a reference.</summary>
    public async Task<EvaluateResult> EvaluateAsync(ExpressionSite site, CallScope scope)
    {
        if (TryEvaluate(site, scope) is { } local)
        {
            return local;
        }

        Operations++;
        try
        {
            var call = new EvaluateCall(site, await ShrinkAsync(scope, 0));
            return (await context.CallActivityAsync(TaskNames.Evaluate, call, CoreJsonContext.Default.EvaluateCall, CoreJsonContext.Default.EvaluateResult))!;
        }
        catch (TaskFailedException failed)
        {
            return new EvaluateResult(null, ErrorOf(failed));
        }
        catch (PayloadTooLargeException tooLarge)
        {
            return new EvaluateResult(null, ErrorOf(tooLarge));
        }
    }

    /// <summary>Makes one list; small ones in place, others in the payload store. Any number of values of any size.</summary>
    public async Task<Payload> PackAsync(IReadOnlyList<Payload> values, PackMode mode = PackMode.Items)
    {
        if (TryPackHere(values, mode) is { } packed)
        {
            return packed;
        }

        // A call carries so much; what is left over is joined by reference, in as many calls as it takes.
        while (true)
        {
            var batches = Batches(values);
            if (batches.Count == 1)
            {
                return await CallPackAsync(batches[0], mode);
            }

            var partMode = mode is PackMode.Items or PackMode.Merge ? mode : PackMode.Concat;
            values = await Task.WhenAll(batches.Select(batch => CallPackAsync(batch, partMode)));
            mode = mode == PackMode.Items ? PackMode.Concat : mode;
        }
    }

    /// <summary>Reads the JSON of a value in the payload store.</summary>
    /// <exception cref="PolyphonyException">Code <c>value_too_large</c>: it takes more than <see cref="CodeFirst.CodeWorkflow.MaxReadBytes"/>.</exception>
    public async Task<string> ReadTextAsync(Payload value) => (await CallPackAsync([value], PackMode.Json)).Json is { ValueKind: JsonValueKind.String } json
        ? json.GetString()!
        : throw new PolyphonyException(
            ErrorCodes.ValueTooLarge,
            $"The value takes more than {CodeFirst.CodeWorkflow.MaxReadBytes:N0} bytes, the maximum that a workflow in C# can read, because it is kept in the history. Pass the reference on instead, as a variable of a prompt or as an input.");

    /// <summary>Makes one list of values that are there as text; a small one in place.</summary>
    /// <param name="items">The items, each UTF-8 JSON.</param>
    public async Task<Payload> PackAsync(IReadOnlyList<byte[]> items)
    {
        var batches = Batches(items, static item => item.Length + 1, MaxCallBytes - ReferenceBytes);
        List<Payload> lists = [.. batches.Select(batch => Payload.FromText(Packing.Write(batch)))];
        return lists.Count == 1 && Payload.MayBeInline(lists[0].Text) ? lists[0] : await PackAsync(lists, PackMode.Concat);
    }

    /// <summary>Small values need no activity: that is most of what is packed, and each activity is a step of the history.</summary>
    public static Payload? TryPackHere(IReadOnlyList<Payload> values, PackMode mode)
    {
        if (!values.All(value => value.IsInline) || values.Sum(SizeOf) + values.Count >= Payload.InlineLimitBytes)
        {
            return null;
        }

        var parts = values.Select(ValueOf).ToArray();
        if (mode == PackMode.Conversation)
        {
            var contents = Packing.Contents(parts[1..]);
            return contents.All(content => content.IsInline) && Packing.WriteConversation(parts, [.. contents.Select(ValueOf)]) is var text && Payload.MayBeInline(text)
                ? Payload.FromText(text)
                : null;
        }

        if (mode == PackMode.Merge)
        {
            var merged = StateReducers.Merge(parts);
            return Payload.MayBeInline(merged) ? Payload.FromText(merged) : null;
        }

        List<JsonElement> items;
        if (mode == PackMode.Results)
        {
            var results = Packing.Results(parts);
            if (!results.All(result => result.IsInline))
            {
                return null;
            }

            items = [.. results.Select(ValueOf)];
        }
        else
        {
            items = [.. Packing.Arrange(mode, parts)];
        }

        var list = Packing.Write(items);
        return Payload.MayBeInline(list) ? Payload.FromText(list) : null;
    }

    private static JsonElement ValueOf(Payload value) => value.Json!.Value;

    /// <summary>Moves values of a scope to the payload store when a call with them, and with a given number of bytes beside, would be too large.</summary>
    public ValueTask<CallScope> ShrinkAsync(CallScope scope, int besides) => Fits(scope, besides) ? new(scope) : new(StoreValuesAsync(scope));

    /// <summary>Determines whether a call may carry a scope's values, with a given number of bytes beside.</summary>
    public static bool Fits(CallScope scope, int besides) => besides + SizeOf(scope) <= MaxCallBytes;

    /// <summary>Gets how much a scope's values take.</summary>
    public static int SizeOf(CallScope scope) =>
        SizeOf(scope.Input) + (scope.State?.Values.Sum(SizeOf) ?? 0) + SizeOf(scope.Item) + (scope.Nodes?.Values.Sum(SizeOf) ?? 0) + (scope.Variables?.Values.Sum(SizeOf) ?? 0);

    private async Task<CallScope> StoreValuesAsync(CallScope scope)
    {
        var nodes = scope.Nodes ?? new Dictionary<string, NodeValue>();
        var variables = scope.Variables ?? new Dictionary<string, Payload>();
        var state = scope.State ?? new Dictionary<string, Payload>();
        var names = nodes.Where(pair => SizeOf(pair.Value.Output) > ReferenceBytes).Select(pair => pair.Key).Order(StringComparer.Ordinal).ToList();
        var given = variables.Where(pair => SizeOf(pair.Value) > ReferenceBytes).Select(pair => pair.Key).Order(StringComparer.Ordinal).ToList();
        var shared = state.Where(pair => SizeOf(pair.Value) > ReferenceBytes).Select(pair => pair.Key).Order(StringComparer.Ordinal).ToList();
        var stored = await StoreAllAsync([.. names.Select(name => nodes[name].Output!), .. given.Select(name => variables[name]), .. shared.Select(name => state[name])]);
        var moved = new Dictionary<string, NodeValue>(nodes, StringComparer.Ordinal);
        for (var i = 0; i < names.Count; i++)
        {
            moved[names[i]] = moved[names[i]] with { Output = stored[i] };
        }

        var movedVariables = new Dictionary<string, Payload>(variables, StringComparer.Ordinal);
        for (var i = 0; i < given.Count; i++)
        {
            movedVariables[given[i]] = stored[names.Count + i];
        }

        if (shared.Count == 0)
        {
            return scope with { Nodes = moved, Variables = movedVariables };
        }

        var movedState = new Dictionary<string, Payload>(state, StringComparer.Ordinal);
        for (var i = 0; i < shared.Count; i++)
        {
            movedState[shared[i]] = stored[names.Count + given.Count + i];
        }

        return scope with { Nodes = moved, Variables = movedVariables, State = movedState };
    }

    /// <summary>Puts a value into the payload store, however small it is.</summary>
    public async Task<Payload> StoreAsync(Payload value) =>
        !value.IsInline ? value
        : SizeOf(value) > MaxCallBytes ? await StoreInPartsAsync(value)
        : (await CallPackAsync([value], PackMode.Stored)).Item(0);

    /// <summary>Puts values into the payload store; each comes back as a reference, or in place where all of them together are small.</summary>
    public async Task<IReadOnlyList<Payload>> StoreAllAsync(IReadOnlyList<Payload> values)
    {
        var stored = new List<Payload>(values.Count);
        foreach (var batch in Batches(values))
        {
            if (batch is [{ IsInline: true } large] && SizeOf(large) > MaxCallBytes)
            {
                stored.Add(await StoreInPartsAsync(large));
                continue;
            }

            var list = await CallPackAsync(batch, PackMode.Items);
            stored.AddRange(Enumerable.Range(0, batch.Count).Select(list.Item));
        }

        return stored;
    }

    public static CallError ErrorOf(TaskFailedException failed) => ErrorText.Shorten(failed.FailureDetails.ErrorType == ErrorCodes.PayloadTooLarge
        ? new CallError(ErrorCodes.PayloadTooLarge, failed.FailureDetails.ErrorMessage, ErrorKind.Terminal)
        : new CallError(ErrorCodes.ActivityFailed, $"{failed.FailureDetails.ErrorMessage} ({failed.FailureDetails.ErrorType})", ErrorKind.Transient));

    /// <summary>What was to be passed on is refused before anything is begun, the same on every replay, so it is an error like others.</summary>
    public static CallError ErrorOf(PayloadTooLargeException tooLarge) => new(ErrorCodes.PayloadTooLarge, tooLarge.Message, ErrorKind.Terminal);

    /// <summary>Gets the error of an exception that an activation or a node ends with; <see langword="null"/> for what is not its fault.</summary>
    public static CallError? ErrorOf(Exception exception) => exception switch
    {
        PayloadTooLargeException tooLarge => ErrorOf(tooLarge),
        TaskFailedException failed => ErrorOf(failed) with { Kind = ErrorKind.Terminal },
        CallFailedException failed => failed.Error,
        _ => null,
    };

    /// <summary>Puts a value that no call can carry into the payload store: its text in parts, and then the parts together.</summary>
    private async Task<Payload> StoreInPartsAsync(Payload value)
    {
        // Written as a JSON text, a character takes at most three bytes here, those that must be escaped six.
        const int MaxPartLength = 6 * 1024;
        var text = Encoding.UTF8.GetString(value.Text);
        var parts = new List<Payload>();
        for (var start = 0; start < text.Length;)
        {
            var part = ErrorText.Beginning(text.Substring(start, Math.Min(MaxPartLength + 1, text.Length - start)), MaxPartLength);
            parts.Add(Payload.FromText(Encoding.UTF8.GetBytes($"\"{JsonEncodedText.Encode(part, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"")));
            start += part.Length;
        }

        return await CallPackAsync(await StoreAllAsync(parts), PackMode.Text);
    }

    private static int SizeOf(NodeValue node) => SizeOf(node.Output) + SizeOf(node.Errors) + 100 + (node.Error?.Message.Length ?? 0) * 3;

    private static List<List<Payload>> Batches(IReadOnlyList<Payload> values) => Batches(values, static value => SizeOf(value) + 20, MaxCallBytes);

    /// <summary>Divides items, in order, into as few batches as the limit allows; at least one.</summary>
    private static List<List<T>> Batches<T>(IReadOnlyList<T> items, Func<T, int> sizeOf, int limit)
    {
        var batches = new List<List<T>> { new() };
        var size = 0;
        foreach (var item in items)
        {
            var bytes = sizeOf(item);
            if (size + bytes > limit && batches[^1].Count > 0)
            {
                batches.Add([]);
                size = 0;
            }

            batches[^1].Add(item);
            size += bytes;
        }

        return batches;
    }

    private async Task<Payload> CallPackAsync(IReadOnlyList<Payload> values, PackMode mode)
    {
        Operations++;
        return (await context.CallActivityAsync(
            TaskNames.Pack, new PackCall(rootInstanceId, values, mode), CoreJsonContext.Default.PackCall, CoreJsonContext.Default.Payload))!;
    }

    private EvaluateResult? TryEvaluate(ExpressionSite site, CallScope scope)
    {
        if (CallScopeValues.StoredValues(scope, ExpressionSites.References(definition, scope.Node, site)).Count > 0)
        {
            return null;
        }

        try
        {
            var value = ExpressionSites.Evaluate(definition, scope.Node, site, CallScopeValues.Create(scope, definition.Name)).ToJson();
            var payload = Payload.Inline(value);
            return Payload.MayBeInline(payload.Text) ? new EvaluateResult(payload) : null;
        }
        catch (ExpressionException failed)
        {
            return new EvaluateResult(null, new CallError(ErrorCodes.ExpressionError, failed.Message, ErrorKind.Terminal));
        }
        catch (CallFailedException failed)
        {
            return new EvaluateResult(null, failed.Error);
        }
    }
}
