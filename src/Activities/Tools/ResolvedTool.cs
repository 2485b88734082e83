using Microsoft.Extensions.AI;
using Polyphony.Core.Definitions;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Activities.Tools;

/// <summary>A tool as it is called.</summary>
/// <param name="Function">What is called. Its answers are data, and its exceptions are told to the model.</param>
/// <param name="Parameters">What the arguments must fit.</param>
internal sealed record ResolvedTool(AIFunction Function, JsonSchema Parameters)
{
    /// <summary>Gets what is declared of its calls by somebody who is trusted: the program for a function, the file for an HTTP tool, the settings for the tool of a server.</summary>
    public ToolOptions Options { get; init; } = ToolOptions.None;

    /// <summary>Gets what a server says of its tool. Nobody has to believe it.</summary>
    public ToolHints Hints { get; init; }

    /// <summary>Gets the tool of the file whose calls the run around the agent makes; <see langword="null"/>: an activity does.</summary>
    public ToolDefinition? OfRun { get; init; }

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
