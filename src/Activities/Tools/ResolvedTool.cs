using Microsoft.Extensions.AI;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Activities.Tools;

/// <summary>A tool as it is called.</summary>
/// <param name="Function">What is called. Its answers are data, and its exceptions are told to the model.</param>
/// <param name="Parameters">What the arguments must fit.</param>
internal sealed record ResolvedTool(AIFunction Function, JsonSchema Parameters)
{
    /// <summary>Gets whether a call that may have been made can be made again, as somebody says who is trusted: the file of an HTTP tool, the settings of a server. A function of the program says nothing.</summary>
    public bool? Idempotent { get; init; }

    /// <summary>Gets what a server says of its tool. Nobody has to believe it.</summary>
    public ToolHints Hints { get; init; }

    /// <summary>Gets how long a call may take; the host's limit holds as well.</summary>
    public TimeSpan? Timeout { get; init; }
}

/// <summary>What a server says of its tool.</summary>
[Flags]
internal enum ToolHints
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>It changes nothing.</summary>
    ReadOnly = 1,

    /// <summary>To call it twice is as to call it once.</summary>
    Idempotent = 2,
}
