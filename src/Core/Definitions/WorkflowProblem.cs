using Polyphony.Core.Definitions.Sources;

namespace Polyphony.Core.Definitions;

/// <summary>Something wrong with a workflow.</summary>
/// <param name="Code">A stable code in snake_case, such as <c>unknown_key</c>.</param>
/// <param name="Path">Where in the file's structure, such as <c>nodes.review.prompt</c>.</param>
/// <param name="Location">Where in the text.</param>
/// <param name="Message">What is wrong: what was expected and what was found.</param>
/// <param name="Hint">What to do about it.</param>
/// <param name="File">The file, if there is one.</param>
public sealed record WorkflowProblem(string Code, string Path, SourceLocation Location, string Message, string? Hint = null, string? File = null)
{
    /// <summary>Formats the problem on one line, as compilers do: <c>file:line:column: message. hint [code]</c>.</summary>
    /// <returns>The line.</returns>
    public override string ToString()
    {
        var file = File ?? "workflow";
        var place = Location.Line > 0 ? $"{file}:{Location.Line}:{Location.Column}" : Path.Length > 0 ? $"{file}: {Path}" : file;
        return $"{place}: {Message}.{(Hint is null ? "" : " " + Hint)} [{Code}]";
    }
}

/// <summary>A workflow is not valid.</summary>
/// <param name="problems">Everything that is wrong with it.</param>
public sealed class WorkflowInvalidException(IReadOnlyList<WorkflowProblem> problems)
    : PolyphonyException("workflow_invalid", string.Join(Environment.NewLine, problems))
{
    /// <summary>Gets everything that is wrong with it.</summary>
    public IReadOnlyList<WorkflowProblem> Problems { get; } = problems;
}
