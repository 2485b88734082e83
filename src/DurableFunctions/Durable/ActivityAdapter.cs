using Polyphony.Core.Durable;

namespace Polyphony.DurableFunctions.Durable;

/// <summary>Runs activity functions of Core.</summary>
internal static class ActivityAdapter
{
    /// <summary>Runs one.</summary>
    /// <param name="function">The function.</param>
    /// <param name="context">Which run this is.</param>
    /// <param name="input">The activity's own input: what <see cref="CancellableCalls.Unwrap"/> finds in what it was given.</param>
    /// <returns>The result.</returns>
    /// <exception cref="CodedFailureException">The function threw an exception with a code, or its result is too large.</exception>
    public static async Task<RawJson?> RunAsync(ActivityFunction function, ActivityContext context, RawJson? input)
    {
        try
        {
            var result = await function(context, input?.Text);
            DurableLimits.CheckPayload(result, $"result of activity \"{context.Name}\"");
            return RawJson.Of(result);
        }
        catch (PolyphonyException e)
        {
            throw CodedFailureException.Of(e);
        }
    }
}
