using System.Text.Json.Nodes;

namespace Polyphony.Core.Definitions;

/// <summary>Sets what a workflow says of the calls of a tool.</summary>
public sealed class ToolRulesBuilder
{
    private readonly JsonObject _map;

    internal ToolRulesBuilder(JsonObject map) => _map = map;

    /// <summary>Lets a person approve calls before they are made.</summary>
    /// <param name="when">The condition over <c>args</c>, the arguments of the call; <see langword="null"/>: always.</param>
    /// <param name="timeout">How long a call waits for a person, in whole milliseconds; <see langword="null"/>: without limit.</param>
    /// <param name="onTimeout">What becomes of a call that nobody has approved in time.</param>
    /// <returns>This builder.</returns>
    public ToolRulesBuilder RequireApproval(string? when = null, TimeSpan? timeout = null, ApprovalTimeoutPolicy onTimeout = ApprovalTimeoutPolicy.Refuse)
    {
        var approval = new JsonObject { ["when"] = when ?? "always" };
        WorkflowBuilder.Put(approval, "timeout", timeout);
        if (timeout is not null)
        {
            WorkflowBuilder.Put(approval, "onTimeout", onTimeout switch
            {
                ApprovalTimeoutPolicy.Approve => "approve",
                ApprovalTimeoutPolicy.Fail => "fail",
                _ => "refuse",
            });
        }

        WorkflowBuilder.Put(_map, "approval", approval);
        return this;
    }

    /// <summary>Says whether a call that may have happened may be made again without asking anybody.</summary>
    /// <param name="value">Whether it may.</param>
    /// <returns>This builder.</returns>
    public ToolRulesBuilder Idempotent(bool value = true)
    {
        WorkflowBuilder.Put(_map, "idempotent", value);
        return this;
    }
}
