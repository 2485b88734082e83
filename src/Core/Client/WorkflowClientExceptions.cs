using Polyphony.Expressions.Schemas;

namespace Polyphony.Core.Client;

/// <summary>No workflow has this name.</summary>
/// <param name="name">The name.</param>
/// <param name="known">The names that exist.</param>
public sealed class WorkflowNotFoundException(string name, IEnumerable<string> known)
    : PolyphonyException("workflow_not_found", $"There is no workflow \"{name}\". {(string.Join(", ", known) is { Length: > 0 } names ? $"Known: {names}." : "None is known: add a file to the workflows folder.")}");

/// <summary>The workflow has no schedule of this name.</summary>
/// <param name="workflow">The workflow's name.</param>
/// <param name="schedule">The schedule's name.</param>
/// <param name="known">The names that exist.</param>
public sealed class ScheduleNotFoundException(string workflow, string schedule, IEnumerable<string> known)
    : PolyphonyException("schedule_not_found", $"Workflow \"{workflow}\" has no schedule \"{schedule}\". {(string.Join(", ", known) is { Length: > 0 } names ? $"It has: {names}." : "It has none: add \"schedule\" to it.")}");

/// <summary>An input or an answer does not fit its schema.</summary>
/// <param name="code">The code: <c>input_invalid</c> or <c>answer_invalid</c>.</param>
/// <param name="what">What was checked, such as <c>input of workflow "hello"</c>.</param>
/// <param name="violations">Everything that is wrong.</param>
public sealed class SchemaViolationException(string code, string what, IReadOnlyList<SchemaViolation> violations)
    : PolyphonyException(code, $"The {what} does not fit its schema: {string.Join("; ", violations.Select(violation => $"{(violation.Pointer.Length == 0 ? "/" : violation.Pointer)}: {violation.Message}"))}")
{
    /// <summary>Gets everything that is wrong.</summary>
    public IReadOnlyList<SchemaViolation> Violations { get; } = violations;
}

/// <summary>An id holds characters that are not allowed, or is too long.</summary>
/// <param name="instanceId">The id.</param>
/// <param name="reason">Why it cannot be taken, if it looks like one; a sentence.</param>
public sealed class InstanceIdInvalidException(string instanceId, string? reason = null)
    : PolyphonyException("instance_id_invalid", reason is null
        ? $"\"{(instanceId.Length > 60 ? instanceId[..60] + "…" : instanceId)}\" is not an instance id: expected 1 to 100 letters, digits, '-', '_', '.' or ':', the first a letter or digit."
        : $"\"{instanceId}\" cannot be given to an instance. {reason}");

/// <summary>A workflow has no nodes of its own: its subscriptions handle messages, and nothing else starts it.</summary>
/// <param name="name">The workflow.</param>
public sealed class WorkflowNotStartableException(string name)
    : PolyphonyException("workflow_not_startable", $"Workflow \"{name}\" has no nodes of its own: it runs when messages of its topics come. Publish a message to one of them, or add nodes.");
