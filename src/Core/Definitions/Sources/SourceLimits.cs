namespace Polyphony.Core.Definitions.Sources;

/// <summary>How large a workflow file may be. A file from a stranger can't cost more than these allow.</summary>
internal static class SourceLimits
{
    /// <summary>The maximum size of a file in bytes of UTF-8: 1 MB.</summary>
    public const int MaxBytes = 1024 * 1024;

    /// <summary>How deep lists and maps may be nested.</summary>
    public const int MaxDepth = 64;

    /// <summary>The maximum number of values in a file once YAML's aliases are resolved.</summary>
    public const int MaxValues = 200_000;

    /// <summary>The maximum number of nodes of a workflow.</summary>
    public const int MaxNodes = 5_000;

    /// <summary>The maximum number of edges of a workflow.</summary>
    public const int MaxEdges = 20_000;

    /// <summary>How deep loops may be nested.</summary>
    public const int MaxLoopDepth = 16;
}
