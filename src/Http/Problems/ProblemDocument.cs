using System.Text.Json.Serialization;

namespace Polyphony.Http.Problems;

/// <summary>The body of an error: problem details (RFC 9457).</summary>
internal sealed record ProblemDocument
{
    /// <summary>Gets the kind of problem, a URI made from <see cref="Code"/>.</summary>
    public required string Type { get; init; }

    /// <summary>Gets the kind of problem in words; the same for every problem of this kind.</summary>
    public required string Title { get; init; }

    /// <summary>Gets the HTTP status.</summary>
    public required int Status { get; init; }

    /// <summary>Gets the stable code in snake_case.</summary>
    public required string Code { get; init; }

    /// <summary>Gets the details of this occurrence, and what to do.</summary>
    public string? Detail { get; init; }

    /// <summary>Gets the path of the request.</summary>
    public string? Instance { get; init; }

    /// <summary>Gets every single problem, where there can be several.</summary>
    public IReadOnlyList<ProblemItem>? Errors { get; init; }
}

/// <summary>One of several problems.</summary>
/// <param name="Detail">What is wrong.</param>
/// <param name="Code">Its own stable code, if it has one.</param>
/// <param name="Pointer">Where in the body: a JSON pointer (RFC 6901).</param>
/// <param name="Parameter">Which query parameter or header.</param>
/// <param name="Line">The line in a workflow file, from 1.</param>
/// <param name="Column">The column in a workflow file, from 1.</param>
internal sealed record ProblemItem(
    string Detail,
    string? Code = null,
    string? Pointer = null,
    string? Parameter = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] int Line = 0,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] int Column = 0);
