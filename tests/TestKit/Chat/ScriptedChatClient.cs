using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace Polyphony.TestKit.Chat;

/// <summary>A model that answers from a script, holds calls until the test lets them go, and counts them. Thread-safe.</summary>
public sealed class ScriptedChatClient(Func<ScriptedRequest, ScriptedAnswer> script) : IChatClient
{
    private readonly Lock _lock = new();
    private readonly ConcurrentQueue<ScriptedRequest> _requests = new();
    private readonly List<(int Count, TaskCompletionSource Reached)> _waiters = [];
    private SemaphoreSlim? _gate;
    private int _inFlight;

    /// <summary>Makes a model that gives the answers in turn; the last again and again.</summary>
    public ScriptedChatClient(params ScriptedAnswer[] answers)
        : this(request => answers[Math.Min(request.Number, answers.Length) - 1])
    {
    }

    /// <summary>Gets the requests in the order of their arrival.</summary>
    public IReadOnlyList<ScriptedRequest> Requests => [.. _requests];

    /// <summary>Gets how many calls are under way.</summary>
    public int InFlight => Volatile.Read(ref _inFlight);

    /// <summary>Gets how many calls were under way at most.</summary>
    public int MaxInFlight { get; private set; }

    /// <summary>Gets how many calls were cancelled.</summary>
    public int Cancelled { get; private set; }

    /// <summary>From now on calls wait for <see cref="Release"/>.</summary>
    public void Hold()
    {
        lock (_lock)
        {
            _gate ??= new SemaphoreSlim(0);
        }
    }

    /// <summary>Lets so many held calls go, including ones that have yet to come.</summary>
    public void Release(int count = 1) => _gate!.Release(count);

    /// <summary>Waits until so many calls are under way.</summary>
    public Task WhenInFlightAsync(int count)
    {
        lock (_lock)
        {
            if (_inFlight >= count)
            {
                return Task.CompletedTask;
            }

            var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiters.Add((count, reached));
            return reached.Task;
        }
    }

    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        ScriptedRequest request;
        SemaphoreSlim? gate;
        lock (_lock)
        {
            request = new ScriptedRequest(_requests.Count + 1, [.. messages], options);
            _requests.Enqueue(request);
            MaxInFlight = Math.Max(MaxInFlight, ++_inFlight);
            foreach (var waiter in _waiters.Where(waiter => waiter.Count <= _inFlight))
            {
                waiter.Reached.TrySetResult();
            }

            gate = _gate;
        }

        try
        {
            if (gate is not null)
            {
                await gate.WaitAsync(cancellationToken);
            }

            var answer = script(request);
            if (answer.Hangs)
            {
                await new TaskCompletionSource().Task.WaitAsync(answer.IgnoresCancellation ? CancellationToken.None : cancellationToken);
            }

            return answer.Response ?? throw answer.Exception!;
        }
        catch (OperationCanceledException)
        {
            lock (_lock)
            {
                Cancelled++;
            }

            throw;
        }
        finally
        {
            lock (_lock)
            {
                _inFlight--;
            }
        }
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        foreach (var update in (await GetResponseAsync(messages, options, cancellationToken)).ToChatResponseUpdates())
        {
            yield return update;
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null) => serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose() => _gate?.Dispose();
}
