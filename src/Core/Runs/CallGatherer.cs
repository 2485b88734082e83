using System.Text.Json.Serialization.Metadata;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;

namespace Polyphony.Core.Runs;

/// <summary>
/// Lets the items of a <c>forEach</c> share activities (<c>itemsPerActivity</c>): calls that are asked for in one step of the orchestration go out together, up to so many in each.
/// Between <see cref="Hold"/> and the end of it calls gather; outside of it a call goes out at once, alone, as the activity that it is otherwise.
/// </summary>
/// <remarks>
/// The answers of an activity arrive together, so the items that follow are begun in one step as well, and go out together again. What one call comes to is its own: failures,
/// attempts, delays between them and repairs are those of the item, and the ledger keeps each answer under its own step.
/// </remarks>
internal sealed class CallGatherer
{
    private readonly Group<AgentCall, AgentCallResult> _agents;
    private readonly Group<ToolCall, ToolCallResult> _tools;
    private int _holds;

    public CallGatherer(RunCalls calls, int size)
    {
        var json = CoreJsonContext.Default;
        _agents = new(this, size, TaskNames.AgentBatch, json.AgentCallArray, json.AgentCallResultArray, calls, calls.CallAgentAsync, error => new AgentCallResult { Error = error });
        _tools = new(this, size, TaskNames.ToolBatch, json.ToolCallArray, json.ToolCallResultArray, calls, calls.CallToolAsync, error => new ToolCallResult(null, error));
    }

    /// <summary>Makes a gatherer for a node that asks for one.</summary>
    public static CallGatherer? For(RunCalls calls, Definitions.NodeDefinition node) => node.ItemsPerActivity > 1 ? new CallGatherer(calls, node.ItemsPerActivity) : null;

    /// <summary>Calls a model.</summary>
    /// <param name="call">The call.</param>
    /// <param name="bytes">How much it carries, about.</param>
    /// <param name="cancellationToken">Cancels the call; the activity is cancelled when all that share it are.</param>
    public Task<AgentCallResult> CallAgentAsync(AgentCall call, int bytes, CancellationToken cancellationToken) => _agents.CallAsync(call, bytes, cancellationToken);

    /// <summary>Calls a tool.</summary>
    /// <param name="call">The call.</param>
    /// <param name="bytes">How much it carries, about.</param>
    /// <param name="cancellationToken">Cancels the call; the activity is cancelled when all that share it are.</param>
    public Task<ToolCallResult> CallToolAsync(ToolCall call, int bytes, CancellationToken cancellationToken) => _tools.CallAsync(call, bytes, cancellationToken);

    /// <summary>Does something in one step whose calls go out together.</summary>
    public T Hold<T>(Func<T> begin)
    {
        _holds++;
        try
        {
            return begin();
        }
        finally
        {
            _holds--;
            Flush();
        }
    }

    private void Flush()
    {
        if (_holds == 0)
        {
            _agents.Flush();
            _tools.Flush();
        }
    }

    private sealed class Group<TCall, TResult>(
        CallGatherer owner,
        int size,
        string activity,
        JsonTypeInfo<TCall[]> callType,
        JsonTypeInfo<TResult?[]> resultType,
        RunCalls calls,
        Func<TCall, CancellationToken, Task<TResult>> callAlone,
        Func<CallError, TResult> failed)
        where TResult : class
    {
        /// <summary>What stands around the values of a call.</summary>
        private const int BytesPerCall = 700;

        private readonly List<Waiting> _waiting = [];

        public Task<TResult> CallAsync(TCall call, int bytes, CancellationToken cancellationToken)
        {
            // Continuations run where the result is set, in the step that brings it.
            var result = new TaskCompletionSource<TResult>();
            _waiting.Add(new Waiting(call, bytes + BytesPerCall, result, cancellationToken));
            owner.Flush();
            return result.Task;
        }

        public void Flush()
        {
            while (_waiting.Count > 0)
            {
                var count = 1;
                for (var bytes = _waiting[0].Bytes; count < Math.Min(size, _waiting.Count) && (bytes += _waiting[count].Bytes) <= RunCalls.MaxCallBytes;)
                {
                    count++;
                }

                var batch = _waiting.GetRange(0, count);
                _waiting.RemoveRange(0, count);
                _ = SendAsync(batch);
            }
        }

        private async Task SendAsync(List<Waiting> batch)
        {
            try
            {
                TResult?[] results;
                if (batch.Count == 1)
                {
                    results = [await callAlone(batch[0].Call, batch[0].Cancelled)];
                }
                else
                {
                    results = await AskAsync(batch);
                }

                owner.Hold(() =>
                {
                    for (var i = 0; i < batch.Count; i++)
                    {
                        if (results[i] is { } result)
                        {
                            batch[i].Result.TrySetResult(result);
                        }
                        else if (!batch[i].Result.Task.IsCompleted)
                        {
                            _ = SendAsync([batch[i]]);
                        }
                    }

                    return batch.Count;
                });
            }
            catch (Exception exception)
            {
                // The replay differs, or the like: nobody awaits this method, and each of those who wait has to end.
                foreach (var each in batch)
                {
                    each.Result.TrySetException(exception);
                }
            }
        }

        private async Task<TResult?[]> AskAsync(List<Waiting> batch)
        {
            var all = new CancellationTokenSource();
            var left = batch.Count;
            var registrations = batch.ConvertAll(each => each.Cancelled.Register(() =>
            {
                // The others may still want the activity.
                if (--left == 0)
                {
                    all.Cancel();
                }

                each.Result.TrySetResult(failed(CallError.Cancelled));
            }));
            try
            {
                return await calls.CallBatchAsync(activity, batch.Select(each => each.Call).ToArray(), callType, resultType, all.Token);
            }
            catch (PayloadTooLargeException)
            {
                // Together they are too much for a message: each goes alone.
                return new TResult?[batch.Count];
            }
            catch (TaskFailedException failure) when (failure.FailureDetails.ErrorType == ErrorCodes.PayloadTooLarge)
            {
                return new TResult?[batch.Count];
            }
            catch (TaskFailedException failure)
            {
                return [.. batch.Select(_ => failed(RunCalls.ErrorOf(failure)))];
            }
            catch (OperationCanceledException)
            {
                return [.. batch.Select(_ => failed(CallError.Cancelled))];
            }
            finally
            {
                registrations.ForEach(registration => registration.Dispose());
            }
        }

        private sealed record Waiting(TCall Call, int Bytes, TaskCompletionSource<TResult> Result, CancellationToken Cancelled);
    }
}
