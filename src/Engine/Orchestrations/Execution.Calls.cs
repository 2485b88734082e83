using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using Polyphony.Core.Durable;
using Polyphony.Core.Durable.History;

namespace Polyphony.Engine.Orchestrations;

/// <content>What orchestrator code calls.</content>
internal sealed partial class Execution
{
    /// <summary>The namespace of the ids made by <see cref="NewGuid"/>: an arbitrary, fixed one.</summary>
    private static readonly Guid Namespace = new("9e952958-5e33-4daf-827f-2fa12937b875");

    public override string Name => _facts.Name;

    public override string InstanceId => _facts.Id;

    public override ParentInstance? Parent => _facts.Parent;

    public override DateTimeOffset CurrentUtcDateTime => _now;

    public override bool IsReplaying => _replaying;

    public override Guid NewGuid()
    {
        CheckInside();
        return NameBasedGuid.Create(Namespace, $"{_facts.Id}:{_facts.Generation}:{_nextGuid++}");
    }

    public override Task<string?> CallActivityAsync(string name, string? input, CancellationToken cancellationToken = default)
    {
        CheckInside();
        DurableLimits.CheckPayload(input, $"input of activity \"{name}\"");
        if (cancellationToken.IsCancellationRequested)
        {
            return Task.FromCanceled<string?>(cancellationToken);
        }

        var (id, task) = Open(name);
        _actions.Add(new TaskScheduled(id, name, input) { Timestamp = _now });
        task.CancelOn(() =>
        {
            CheckInside();
            if (_open.Remove(id))
            {
                _actions.Add(new TaskCancelled(id) { Timestamp = _now });
                task.TrySetCanceled(cancellationToken);
            }
        }, cancellationToken);
        return task.Task;
    }

    public override Task<string?> CallSubOrchestrationAsync(string name, string? instanceId, string? input)
    {
        CheckInside();
        DurableLimits.CheckPayload(input, $"input of child orchestration \"{name}\"");
        if (instanceId is not null)
        {
            InstanceIds.Check(instanceId);
        }

        var (id, task) = Open(name);
        _actions.Add(new SubOrchestrationCreated(id, name, instanceId ?? InstanceIds.OfChild(_facts.Id, _facts.Generation, id), input) { Timestamp = _now });
        return task.Task;
    }

    public override Task CreateTimerAsync(DateTimeOffset fireAt, CancellationToken cancellationToken = default)
    {
        CheckInside();
        if (cancellationToken.IsCancellationRequested)
        {
            return Task.FromCanceled(cancellationToken);
        }

        var (id, task) = Open("timer");
        _actions.Add(new TimerCreated(id, fireAt.ToUniversalTime()) { Timestamp = _now });
        task.CancelOn(() =>
        {
            CheckInside();
            if (_open.Remove(id))
            {
                (_cancelledTimers ??= []).Add(id);
                task.TrySetCanceled(cancellationToken);
            }
        }, cancellationToken);
        return task.Task;
    }

    public override Task<string?> WaitForExternalEventAsync(string name, CancellationToken cancellationToken = default)
    {
        CheckInside();
        if (cancellationToken.IsCancellationRequested)
        {
            return Task.FromCanceled<string?>(cancellationToken);
        }

        if (_waits is not null && _waits.ContainsKey(name))
        {
            throw new InvalidOperationException(
                $"Instance \"{_facts.Id}\" waits for event \"{name}\" already, and one wait per name is allowed at a time. Await the first wait, or cancel it, before the next.");
        }

        var index = _buffered?.FindIndex(raised => string.Equals(raised.Name, name, StringComparison.OrdinalIgnoreCase)) ?? -1;
        if (index >= 0)
        {
            var raised = _buffered![index];
            _buffered.RemoveAt(index);
            return Task.FromResult(raised.Payload);
        }

        var wait = new OpenTask(name);
        (_waits ??= new(StringComparer.OrdinalIgnoreCase)).Add(name, wait);
        wait.CancelOn(() =>
        {
            CheckInside();
            if (_waits.TryGetValue(name, out var waiting) && waiting == wait)
            {
                _waits.Remove(name);
                wait.TrySetCanceled(cancellationToken);
            }
        }, cancellationToken);
        return wait.Task;
    }

    public override Task<string?> CallEntityAsync(EntityId entity, string operation, string? input)
    {
        CheckInside();
        DurableLimits.CheckPayload(input, $"input of operation \"{operation}\" of entity \"{entity}\"");
        var (id, task) = Open($"{entity}.{operation}");
        _actions.Add(new EntityCalled(id, entity.ToString(), operation, input) { Timestamp = _now });
        return task.Task;
    }

    public override void SignalEntity(EntityId entity, string operation, string? input)
    {
        CheckInside();
        DurableLimits.CheckPayload(input, $"input of operation \"{operation}\" of entity \"{entity}\"");
        _actions.Add(new EntitySignaled(_nextTask++, entity.ToString(), operation, input) { Timestamp = _now });
    }

    public override void SendEvent(string instanceId, string name, string? payload)
    {
        CheckInside();
        DurableLimits.CheckPayload(payload, $"payload of event \"{name}\"");
        _actions.Add(new EventSent(_nextTask++, instanceId, name, payload) { Timestamp = _now });
    }

    public override void SetCustomStatus(string? status)
    {
        CheckInside();
        DurableLimits.CheckPayload(status, "custom status", DurableLimits.MaxCustomStatusBytes);
        CustomStatus = status;
        CustomStatusSet = true;
    }

    public override void ContinueAsNew(string? input, bool preserveUnprocessedEvents = true)
    {
        CheckInside();
        DurableLimits.CheckPayload(input, "input of the next generation");
        ContinuesAsNew = true;
        NextInput = input;
        PreservesEvents = preserveUnprocessedEvents;
    }

    public override ILogger CreateReplaySafeLogger(string category) => new ReplaySafeLogger(this, _facts.Loggers.CreateLogger(category));

    private (int Id, OpenTask Task) Open(string name)
    {
        var id = _nextTask++;
        var task = new OpenTask(name);
        _open.Add(id, task);
        return (id, task);
    }

    private sealed class ReplaySafeLogger(Execution execution, ILogger inner) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => inner.BeginScope(state);

        public bool IsEnabled(LogLevel logLevel) => !execution.IsReplaying && inner.IsEnabled(logLevel);

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                inner.Log(logLevel, eventId, state, exception, formatter);
            }
        }
    }
}

/// <summary>Version 5 UUIDs (RFC 9562, section 5.5).</summary>
internal static class NameBasedGuid
{
    internal static Guid Create(Guid nameSpace, string name)
    {
        var bytes = new byte[16 + Encoding.UTF8.GetByteCount(name)];
        nameSpace.TryWriteBytes(bytes, bigEndian: true, out _);
        Encoding.UTF8.GetBytes(name, bytes.AsSpan(16));
        Span<byte> hash = stackalloc byte[20];
#pragma warning disable CA5350 // RFC 9562 defines version 5 with SHA-1; nothing here is a secret.
        SHA1.HashData(bytes, hash);
#pragma warning restore CA5350
        hash[6] = (byte)((hash[6] & 0x0f) | 0x50);
        hash[8] = (byte)((hash[8] & 0x3f) | 0x80);
        return new Guid(hash[..16], bigEndian: true);
    }
}
