using System.Text.Json;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;

namespace Polyphony.Core.Locks;

/// <summary>The locks of a node's activation: from before its work until after it, calls that nobody waits for any more included.</summary>
/// <param name="context">What activations share.</param>
/// <param name="locks">The locks of the run.</param>
/// <param name="activation">The activation.</param>
internal sealed class ActivationLocks(ActivationContext context, RunLocks locks, Activation activation)
{
    private LockHold? _hold;

    /// <summary>Gets a value indicating whether all of them are held.</summary>
    public bool IsTaken => _hold is { IsTaken: true };

    /// <summary>Takes them.</summary>
    /// <param name="limit">How long it waits.</param>
    /// <returns>How the activation ends without them; <see langword="null"/>: it has them.</returns>
    public async Task<WorkResult?> TakeAsync(WorkLimit limit)
    {
        var evaluated = await context.Calls.EvaluateAsync(new ExpressionSite(ExpressionSiteKind.Lock), activation.Scope);
        if (evaluated.Error is { } error)
        {
            return new WorkResult { Error = error };
        }

        var names = new SortedSet<string>(StringComparer.Ordinal);
        if (Read(evaluated.Value!, names) is { } problem)
        {
            return WorkResult.Failed(ErrorCodes.LockInvalid, $"\"{activation.Id}\" takes a lock: {problem}.", attempts: 0);
        }

        return await locks.TakeAsync(activation, _hold = locks.Hold(activation, names), context.Observer, limit);
    }

    /// <summary>Gives them back.</summary>
    public void Release()
    {
        if (_hold is not null)
        {
            locks.Release(_hold);
        }
    }

    /// <summary>Gives them back once work has ended that nobody waits for any more.</summary>
    /// <param name="work">The work.</param>
    public async Task ReleaseAfterAsync(Task work)
    {
        try
        {
            await work;
        }
        finally
        {
            Release();
        }
    }

    private static string? Read(Payload value, SortedSet<string> names)
    {
        if (value.Json is not { } json)
        {
            return $"{value.DescribeKind()} is too large for its name";
        }

        if (json.ValueKind != JsonValueKind.Array)
        {
            return Add(json, names);
        }

        return json.GetArrayLength() is < 1 or > LockNames.MaxNames
            ? $"expected 1 to {LockNames.MaxNames} names, found {json.GetArrayLength()}"
            : json.EnumerateArray().Select(each => Add(each, names)).FirstOrDefault(problem => problem is not null);
    }

    // Accounts and the like are numbers as often as texts.
    private static string? Add(JsonElement json, SortedSet<string> names)
    {
        if (json.ValueKind is not (JsonValueKind.String or JsonValueKind.Number))
        {
            return $"expected a text as its name, found {Payload.Inline(json).DescribeKind()}";
        }

        var name = CallScopeValues.TextOf(json);
        names.Add(name);
        return LockNames.ProblemOf(name);
    }
}
