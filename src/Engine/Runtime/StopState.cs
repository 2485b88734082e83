namespace Polyphony.Engine.Runtime;

/// <summary>Whether the engine has stopped, and why. It stops once. Thread-safe.</summary>
internal sealed class StopState
{
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Exception? _cause;

    /// <summary>Gets a task that ends when the engine has stopped, with the error if one stopped it.</summary>
    internal Task Completion => _completion.Task;

    internal bool IsStopped => Volatile.Read(ref _cause) is not null;

    /// <summary>Notes that the engine stops.</summary>
    /// <returns>Whether it was running until now.</returns>
    internal bool TryStop(Exception cause) => Interlocked.CompareExchange(ref _cause, cause, null) is null;

    internal void Complete() => _completion.TrySetResult();

    internal void Complete(Exception cause) => _completion.TrySetException(cause);

    /// <summary>Makes the error that a call gets once the engine has stopped.</summary>
    internal PolyphonyException MakeError() => _cause as PolyphonyException is { Code: not "engine_stopped" } cause
        ? new PolyphonyException("engine_stopped", $"The engine has stopped because of an error: {cause.Message}", cause)
        : new PolyphonyException("engine_stopped", "The engine has stopped. What was committed is kept; start it again on the same file.", _cause);
}
