using Polyphony.Expressions;

namespace Polyphony.Core.Definitions;

/// <summary>A tool that makes an HTTP request with what the caller gives.</summary>
internal sealed record HttpToolDefinition : ParameterToolDefinition
{
    /// <summary>Gets whether a call that may have been made can be made again, if the file says so.</summary>
    public bool? Idempotent { get; init; }

    /// <summary>Gets the request.</summary>
    public required HttpToolRequest Http { get; init; }

    /// <summary>Gets a value indicating whether a call that may have been made can be made again: as the file says, else if it only reads.</summary>
    public bool IsIdempotent => Idempotent ?? Http.Method == HttpToolRequest.DefaultMethod;
}

/// <summary>The request of a tool. Its expressions read <c>args</c>, the arguments of the call, and nothing else.</summary>
internal sealed record HttpToolRequest
{
    /// <summary>The default of <see cref="Method"/>.</summary>
    public const string DefaultMethod = "GET";

    /// <summary>The default of <see cref="MaxBytes"/>: 1 MB.</summary>
    public const int DefaultMaxBytes = 1024 * 1024;

    /// <summary>The largest <see cref="MaxBytes"/>: 10 MB.</summary>
    public const int LargestMaxBytes = 10 * 1024 * 1024;

    /// <summary>Gets the methods that there are.</summary>
    public static IReadOnlyList<string> Methods { get; } = [DefaultMethod, "POST", "PUT", "PATCH", "DELETE"];

    /// <summary>Gets the method.</summary>
    public string Method { get; init; } = DefaultMethod;

    /// <summary>Gets the address, whose expressions stand in its path. Each gives one segment of it, or a part of one.</summary>
    public required Template Url { get; init; }

    /// <summary>Gets the query, an object: a value that is null is left out, and an array repeats its name.</summary>
    public ValueTemplate? Query { get; init; }

    /// <summary>Gets the headers, an object.</summary>
    public ValueTemplate? Headers { get; init; }

    /// <summary>Gets the body, sent as JSON.</summary>
    public ValueTemplate? Body { get; init; }

    /// <summary>Gets the environment variable of the key, if the server wants one.</summary>
    public string? ApiKeyVariable { get; init; }

    /// <summary>Gets the header of the key; <see langword="null"/>: <c>Authorization: Bearer KEY</c>.</summary>
    public string? ApiKeyHeader { get; init; }

    /// <summary>Gets how long a call may take; the host's limit holds as well.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Gets the most bytes of an answer.</summary>
    public int MaxBytes { get; init; } = DefaultMaxBytes;

    /// <summary>Gets the address with something harmless in place of each expression: what is checked before there are arguments.</summary>
    public Uri Outline => new(Url.Outline("x"));
}
