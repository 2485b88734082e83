using Polyphony.Http.Problems;

namespace Polyphony.DurableFunctions.Starts;

/// <summary>A message or blob can't start a workflow as it is. The host logs it, so that it holds no values of what was sent.</summary>
/// <param name="source">Where it comes from.</param>
/// <param name="id">Its id there.</param>
/// <param name="problem">What is wrong.</param>
internal sealed class StartRefusedException(string source, string id, ProblemDocument problem)
    : PolyphonyException(problem.Code, $"{source} {id} can't start a workflow ({problem.Code}): {Describe(problem)}")
{
    // What the checks of fields and of schemas put before a value that they found.
    private static readonly string[] BeforeValues = [", found ", "; found "];

    /// <summary>Gets everything that is wrong.</summary>
    public string Problems { get; } = Describe(problem);

    private static string Describe(ProblemDocument problem) => problem.Errors is { Count: > 0 } errors
        ? string.Join(' ', errors.Select(error => $"{(string.IsNullOrEmpty(error.Pointer) ? "/" : error.Pointer)}: {WithoutValue(error.Detail)}"))
        : WithoutValue(problem.Detail ?? problem.Title);

    private static string WithoutValue(string detail)
    {
        // JSON's reader begins with what it stumbled over: "'abc' is an invalid …".
        if (detail.IndexOf(": '", StringComparison.Ordinal) is >= 0 and var begin && detail.LastIndexOf("' is ", StringComparison.Ordinal) is var end && end > begin)
        {
            detail = $"{detail[..begin]}: something{detail[(end + 1)..]}";
        }

        var at = BeforeValues.Select(before => detail.IndexOf(before, StringComparison.Ordinal)).Where(index => index >= 0).DefaultIfEmpty(-1).Min();
        return at < 0 ? detail : $"{detail[..at]}.";
    }
}
