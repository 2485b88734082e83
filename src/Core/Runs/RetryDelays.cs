using System.Security.Cryptography;
using System.Text;
using Polyphony.Core.Definitions;

namespace Polyphony.Core.Runs;

/// <summary>Whether and when a call that failed is made again.</summary>
internal sealed class RetryDelays(ActivationContext context)
{
    /// <summary>Gets the policy where none is given.</summary>
    public static RetryDefinition Default { get; } = new();

    /// <summary>Determines whether an error leaves another attempt. A timeout does only where a policy is given: the next attempt would most likely take as long.</summary>
    public static bool MayRetry(CallError error, int attempt, RetryDefinition policy, bool isExplicit) =>
        error.Kind != ErrorKind.Terminal
        && attempt < policy.MaxAttempts
        && (error.Code != ErrorCodes.Timeout || isExplicit);

    /// <summary>Waits before the next attempt on a durable timer. False: the run or the activation is ending.</summary>
    public async Task<bool> WaitAsync(Activation activation, RetryDefinition policy, int attempt, CallError error, CancellationToken ending)
    {
        var delay = Of(policy, attempt, activation.Scope.InstanceId + activation.Id);
        if (error.RetryAfterMs is { } asked && asked > delay.TotalMilliseconds)
        {
            delay = TimeSpan.FromMilliseconds(asked);
        }

        var reason = error.RetryAfterMs is { } after && after >= delay.TotalMilliseconds ? CallWaitReasons.RetryAfter : CallWaitReasons.Retry;
        return await WaitAsync(activation, new CallWait(context.Now + delay, reason, CallWait.Shorten(error.Message)), error, ending);
    }

    /// <summary>Waits on a durable timer, and lets the status say until when and why. False: the run or the activation is ending.</summary>
    public async Task<bool> WaitAsync(Activation activation, CallWait wait, CallError? error, CancellationToken ending)
    {
        context.Observer.OnDelayed(activation, wait, error);
        try
        {
            ending.ThrowIfCancellationRequested();
            await context.Calls.CreateTimerAsync(wait.Until, ending);
            return !context.Stop.IsRequested;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
        finally
        {
            context.Observer.OnDelayEnded(activation);
        }
    }

    /// <summary>
    /// Exponential backoff with up to a fifth taken off, so that many who failed together don't come back together. The part taken off
    /// depends on who asks: it is the same on every replay.
    /// </summary>
    public static TimeSpan Of(RetryDefinition policy, int attempt, string seed)
    {
        var milliseconds = Math.Min(policy.FirstDelay.TotalMilliseconds * Math.Pow(policy.Backoff, attempt - 1), policy.MaxDelay.TotalMilliseconds);
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{seed}:{attempt}"));
        return TimeSpan.FromMilliseconds(milliseconds * (1 - hash[0] / 255.0 / 5));
    }
}
