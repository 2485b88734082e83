using Microsoft.DurableTask;

namespace Polyphony.DurableFunctions.Durable;

/// <summary>
/// The external events of one generation of an instance. Durable Task gives an event to the newest of several waits, and one that was
/// cancelled takes an event with it. So there is one wait of Durable Task's per name at a time, which is never cancelled: what it brings
/// goes to the caller who waits, or is kept, in order, for the next.
/// </summary>
/// <param name="context">Durable Task's context.</param>
internal sealed class EventInboxes(TaskOrchestrationContext context)
{
    private readonly Dictionary<string, Inbox> _inboxes = new(StringComparer.OrdinalIgnoreCase);
    private bool _forwards;

    public async Task<string?> WaitAsync(string name, CancellationToken cancellationToken)
    {
        if (!_inboxes.TryGetValue(name, out var inbox))
        {
            _inboxes.Add(name, inbox = new Inbox(name));
        }

        if (inbox.Waiter is not null)
        {
            throw new InvalidOperationException($"A wait for event \"{name}\" is under way; one wait per name at a time.");
        }

        cancellationToken.ThrowIfCancellationRequested();
        if (inbox.Kept.TryDequeue(out var kept))
        {
            return kept?.Text;
        }

        // Continuations run where the event is applied: on the orchestrator's own turn.
        var waiter = inbox.Waiter = new TaskCompletionSource<string?>();
        await using var registration = cancellationToken.Register(() =>
        {
            if (inbox.Waiter == waiter)
            {
                inbox.Waiter = null;
                waiter.TrySetCanceled(cancellationToken);
            }
        });
        if (!inbox.Listens)
        {
            _ = ListenAsync(inbox);
        }

        return await waiter.Task;
    }

    /// <summary>Ends the generation: events that came and that nobody has taken are sent to the next one, before those that Durable Task still holds.</summary>
    /// <param name="preserve">Whether they are wanted.</param>
    public void Close(bool preserve)
    {
        _forwards = preserve;
        foreach (var inbox in _inboxes.Values)
        {
            while (preserve && inbox.Kept.TryDequeue(out var kept))
            {
                Forward(inbox.Name, kept);
            }
        }
    }

    private async Task ListenAsync(Inbox inbox)
    {
        inbox.Listens = true;
        var payload = await context.WaitForExternalEvent<RawJson?>(inbox.Name);
        inbox.Listens = false;
        if (inbox.Waiter is { } waiter)
        {
            inbox.Waiter = null;
            waiter.TrySetResult(payload?.Text);
        }
        else if (_forwards)
        {
            // It came after the end of this generation, to a wait that nobody needs any more.
            Forward(inbox.Name, payload);
        }
        else
        {
            inbox.Kept.Enqueue(payload);
        }
    }

    private void Forward(string name, RawJson? payload) => context.SendEvent(context.InstanceId, name, payload!);

    private sealed class Inbox(string name)
    {
        public string Name { get; } = name;

        public Queue<RawJson?> Kept { get; } = new();

        public TaskCompletionSource<string?>? Waiter { get; set; }

        public bool Listens { get; set; }
    }
}
