namespace Polyphony.Core.Definitions.Sources;

/// <summary>What a reader made of a file.</summary>
/// <param name="Root">The file's content, or <see langword="null"/> if it could not be read.</param>
/// <param name="Problems">What is wrong with the text; empty if it could be read.</param>
internal sealed record SourceReadResult(SourceNode? Root, IReadOnlyList<WorkflowProblem> Problems);
