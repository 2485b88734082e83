using Polyphony.Core.Definitions.Sources;

namespace Polyphony.Core.Definitions;

/// <summary>What the parser made of a workflow file.</summary>
/// <param name="Definition">The workflow; <see langword="null"/> if there is any problem.</param>
/// <param name="Problems">Everything that is wrong, in the order of the file.</param>
/// <param name="Warnings">What works but is probably not meant, in the order of the file.</param>
/// <param name="Locations">Where the keys stand, by path, such as <c>nodes.review.workflow</c>; for problems that show only later.</param>
public sealed record WorkflowParseResult(
    WorkflowDefinition? Definition,
    IReadOnlyList<WorkflowProblem> Problems,
    IReadOnlyList<WorkflowProblem> Warnings,
    IReadOnlyDictionary<string, SourceLocation> Locations)
{
    /// <summary>Gets the definition.</summary>
    /// <returns>The definition.</returns>
    /// <exception cref="WorkflowInvalidException">There is any problem.</exception>
    public WorkflowDefinition Require() => Definition ?? throw new WorkflowInvalidException(Problems);
}
