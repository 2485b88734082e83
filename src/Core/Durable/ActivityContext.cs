namespace Polyphony.Core.Durable;

/// <summary>One run of an activity. An activity may run more than once for the same call: it is dispatched again after a crash.</summary>
public sealed record ActivityContext
{
    /// <summary>Gets the registered name.</summary>
    public required string Name { get; init; }

    /// <summary>Gets the instance that called it.</summary>
    public required string InstanceId { get; init; }

    /// <summary>Gets the task's number in its instance; the same when the activity is run again after a crash. <see langword="null"/> where the host does not tell, as on Azure Functions.</summary>
    public int? TaskId { get; init; }

    /// <summary>
    /// Gets a token that is cancelled when nobody waits for the result any more: the code cancelled the call, or the instance has ended. What the activity returns or throws is dropped then. It
    /// is also cancelled when the host stops; an activity that ends for that is handed out again later.
    /// </summary>
    public CancellationToken CancellationToken { get; init; }
}
