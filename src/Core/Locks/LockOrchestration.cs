using System.Text;
using System.Text.Json;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Locks;

/// <summary>
/// The orchestrator function that keeps one lock: it grants it to one request after the other, or to as many at a time as it has places. Whoever has it says when it is over; while others wait, or once an hour, it is looked whether
/// the instance still runs. When nobody has had the lock for a while the instance ends, and the next request starts another.
/// </summary>
internal sealed class LockOrchestration
{
    /// <summary>How long it stays when nobody has the lock: requests that are over are remembered for as long.</summary>
    public static readonly TimeSpan IdleTime = TimeSpan.FromMinutes(10);

    /// <summary>The longest time between two looks at a holder while others wait.</summary>
    public static readonly TimeSpan LongestLook = TimeSpan.FromSeconds(30);

    private const int MostLookedAt = 20;
    private const int MostShown = 50;
    private static readonly TimeSpan RareLook = TimeSpan.FromHours(1);
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    private readonly OrchestrationContext _context;
    private readonly LockInput _input;
    private readonly LockQueue _queue;
    private readonly InterpreterOptions _options;
    private readonly CancellationTokenSource _ending = new();
    private CancellationTokenSource _timerEnding = new();
    private Task? _timer;
    private DateTimeOffset _timerAt;
    private Task<string?>? _event;
    private Dictionary<string, DateTimeOffset> _since = new(StringComparer.Ordinal);
    private DateTimeOffset _freeSince;
    private DateTimeOffset _lookedAt;
    private int _looks;
    private bool _isContended;
    private int _operations;

    private LockOrchestration(OrchestrationContext context, LockInput input, LockState? state, InterpreterOptions options)
    {
        _context = context;
        _input = input;
        _options = options;
        _queue = new LockQueue(state);
        _freeSince = _lookedAt = context.CurrentUtcDateTime;
        _since = _queue.Holders.ToDictionary(holder => holder.Id, _ => _freeSince, StringComparer.Ordinal);
    }

    /// <summary>Runs a generation.</summary>
    /// <param name="context">The orchestration.</param>
    /// <param name="input">Its input.</param>
    /// <param name="options">How long a generation is.</param>
    /// <returns>Nothing.</returns>
    public static async Task<string?> RunAsync(OrchestrationContext context, LockInput input, InterpreterOptions options)
    {
        var state = input.StoredState is { } parts
            ? JsonSerializer.Deserialize(await StoredText.LoadAsync(context, parts), CoreJsonContext.Default.LockState)
            : input.State;
        return await new LockOrchestration(context, input, state, options).RunAsync();
    }

    private async Task<string?> RunAsync()
    {
        if (_input.First is { } first)
        {
            if (!await IsAloneAsync())
            {
                // Whoever sees the other one run steps back. Should both do so, the requests come again.
                _context.SendEvent(LockNames.OtherOf(_context.InstanceId), EventNames.Lock, Write(new LockMessage(first)));
                return null;
            }

            Apply(new LockMessage(first));
        }

        Show();
        while (_operations < _options.OperationsPerGeneration || _event is { IsCompleted: true })
        {
            if (await NextAsync() is { } message)
            {
                Apply(message);
            }
            else if (_context.CurrentUtcDateTime < WakeAt())
            {
                continue;
            }
            else if (_queue.Holders.Count == 0)
            {
                Stop();
                return null;
            }
            else
            {
                await LookAsync();
            }

            Show();
        }

        Stop();
        await ContinueAsync();
        return null;
    }

    /// <summary>Finds out whether the keeper that had its turn before has ended, and removes it.</summary>
    private async Task<bool> IsAloneAsync()
    {
        var other = LockNames.OtherOf(_context.InstanceId);
        while (true)
        {
            if (await AskAsync(new LockLook([other], Removes: true)) is { } ended)
            {
                return ended.Contains(other);
            }

            await _context.CreateTimerAsync(_context.CurrentUtcDateTime + RetryDelay);
        }
    }

    /// <summary>Waits for a message, or until it is time to look or to end. One timer and one wait serve as long as they can: a lock that is taken and released all the time sets none anew.</summary>
    private async Task<LockMessage?> NextAsync()
    {
        var wakeAt = WakeAt();
        if (_timer is null || _timer.IsCompleted || wakeAt < _timerAt)
        {
            _timerEnding.Cancel();
            _timerEnding = new CancellationTokenSource();
            _timerAt = wakeAt;
            _timer = _context.CreateTimerAsync(wakeAt, _timerEnding.Token);
            _operations++;
        }

        if (_event is null)
        {
            _event = _context.WaitForExternalEventAsync(EventNames.Lock, _ending.Token);
            _operations++;
        }

        await Task.WhenAny(_event, _timer);
        if (!_event.IsCompleted)
        {
            return null;
        }

        var json = await _event;
        _event = null;
        return JsonSerializer.Deserialize(json!, CoreJsonContext.Default.LockMessage);
    }

    private DateTimeOffset WakeAt() =>
        _queue.Holders.Count == 0 ? _freeSince + IdleTime
        : _queue.Waiting.Count == 0 ? _lookedAt + RareLook
        : _lookedAt + (_looks < 5 ? TimeSpan.FromSeconds(1 << _looks) : LongestLook);

    private void Apply(LockMessage message)
    {
        var refused = false;
        Tell(message switch
        {
            { Request: { } request } => _queue.Request(request, out refused),
            { Release: { } id } => _queue.Release(id),
            _ => [],
        });
        if (refused)
        {
            Send(message.Request!, isRefused: true);
        }

        Follow();
    }

    /// <summary>Looks whether those still run who have the lock and who are next.</summary>
    private async Task LookAsync()
    {
        var instances = _queue.Holders.Concat(_queue.Waiting.Take(MostLookedAt - 1)).Select(request => request.InstanceId).Distinct(StringComparer.Ordinal);
        foreach (var ended in await AskAsync(new LockLook([.. instances])) ?? [])
        {
            Tell(_queue.End(ended));
        }

        _looks++;
        _lookedAt = _context.CurrentUtcDateTime;
        Follow();
    }

    /// <summary>The sooner somebody has begun to wait, the more often it is looked. As long as one of those holds it who did before, that is looked at when it was to be: others may come and go all the time.</summary>
    private void Follow()
    {
        var now = _context.CurrentUtcDateTime;
        var since = _queue.Holders.ToDictionary(holder => holder.Id, holder => _since.GetValueOrDefault(holder.Id, now), StringComparer.Ordinal);
        if (since.Count == 0 && _since.Count > 0)
        {
            _freeSince = now;
        }

        var isContended = _queue.Waiting.Count > 0;
        if ((since.Count + _since.Count > 0 && !since.Keys.Any(_since.ContainsKey)) || (isContended && !_isContended))
        {
            _lookedAt = now;
            _looks = 0;
        }

        _since = since;

        _isContended = isContended;
    }

    private async Task<IReadOnlyList<string>?> AskAsync(LockLook look)
    {
        _operations++;
        try
        {
            return await _context.CallActivityAsync(TaskNames.LookAtLock, look, CoreJsonContext.Default.LockLook, CoreJsonContext.Default.IReadOnlyListString);
        }
        catch (TaskFailedException)
        {
            return null;
        }
    }

    private void Tell(IReadOnlyList<LockRequest> granted)
    {
        // The holder may have ended without a word, and so may those that are told next: each is found out in its turn.
        foreach (var request in granted)
        {
            Send(request, isRefused: false);
        }
    }

    private void Send(LockRequest request, bool isRefused)
    {
        _operations++;
        var grant = new LockGrant(_input.Name, request.Id, _context.InstanceId, isRefused);
        _context.SendEvent(request.InstanceId, EventNames.LockGranted, JsonSerializer.Serialize(grant, CoreJsonContext.Default.LockGrant));
    }

    private void Show()
    {
        var status = new LockStatus(
            _input.Name,
            [.. _queue.Holders.Take(MostShown).Select(holder => new LockHolder(holder.InstanceId, holder.Activation, _since[holder.Id]))],
            _queue.Waiting.Count,
            [.. _queue.Waiting.Take(MostShown).Select(request => new LockWaiter(request.InstanceId, request.Activation))]);
        _context.SetCustomStatus(JsonSerializer.Serialize(status, CoreJsonContext.Default.LockStatus));
    }

    /// <summary>Ends timer and wait: an instance of Durable Task does not end before them. A wait that is cancelled takes no event with it.</summary>
    private void Stop()
    {
        _timerEnding.Cancel();
        _ending.Cancel();
    }

    private async Task ContinueAsync()
    {
        var state = _queue.State;
        var next = Write(new LockInput(_input.Name, State: state));
        if (Encoding.UTF8.GetByteCount(next) > _options.MaxGenerationBytes)
        {
            next = Write(new LockInput(_input.Name, StoredState: await StoredText.StoreAsync(_context, JsonSerializer.Serialize(state, CoreJsonContext.Default.LockState))));
        }

        _context.ContinueAsNew(next);
    }

    private static string Write(LockMessage message) => JsonSerializer.Serialize(message, CoreJsonContext.Default.LockMessage);

    private static string Write(LockInput input) => JsonSerializer.Serialize(input, CoreJsonContext.Default.LockInput);
}
