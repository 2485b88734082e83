namespace Polyphony.Activities.Tools;

/// <summary>
/// A server of tools that speaks the Model Context Protocol (MCP): a program that the host starts (<see cref="Command"/>), or one that it reaches over HTTP (<see cref="Url"/>). Its tools are called
/// <c>SERVER.TOOL</c>. Only the owner of the host names servers; a workflow names their tools.
/// </summary>
public sealed record ToolServer
{
    /// <summary>The default of <see cref="ApiKeyHeader"/>; the key is sent as <c>Bearer KEY</c> then.</summary>
    public const string DefaultApiKeyHeader = "Authorization";

    /// <summary>The default of <see cref="MaxBytes"/>: 1 MB.</summary>
    public const int DefaultMaxBytes = 1024 * 1024;

    /// <summary>The largest <see cref="MaxBytes"/>: 10 MB.</summary>
    public const int LargestMaxBytes = 10 * 1024 * 1024;

    /// <summary>Gets the program to start, found as a shell finds it; it speaks over its standard input and output. Either this or <see cref="Url"/>.</summary>
    public string? Command { get; init; }

    /// <summary>Gets the program's arguments.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>Gets the folder that the program starts in. Default: that of the host.</summary>
    public string? Folder { get; init; }

    /// <summary>Gets what the program finds in its environment, besides <c>PATH</c>, <c>HOME</c> and the like.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Gets the names of the host's own environment variables that the program finds in its environment: where its keys come from.</summary>
    public IReadOnlyList<string> PassVariables { get; init; } = [];

    /// <summary>Gets the address of a server that is reached over streamable HTTP. Either this or <see cref="Command"/>.</summary>
    public Uri? Url { get; init; }

    /// <summary>Gets the headers of every request.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Gets the environment variable that holds the key of the server, if it wants one.</summary>
    public string? ApiKeyVariable { get; init; }

    /// <summary>Gets the header of the key; the default is <c>Authorization</c>, with <c>Bearer</c> before the key.</summary>
    public string ApiKeyHeader { get; init; } = DefaultApiKeyHeader;

    /// <summary>Gets how long a call may take, above zero; the host's limit holds as well. Default: the host's.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Gets the most bytes of a result, 1 to 10 MB. Default 1 MB.</summary>
    public int MaxBytes { get; init; } = DefaultMaxBytes;

    /// <summary>
    /// Gets the tools, by the names that the server gives them, that may be called again when a call may have been made already. What a server says of itself is not taken for it. Default: none.
    /// </summary>
    public IReadOnlyList<string> Idempotent { get; init; } = [];
}
