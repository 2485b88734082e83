using System.Text.Json;

namespace Polyphony.Http.Approvals;

/// <summary>An open question to a person.</summary>
internal sealed record Approval
{
    /// <summary>Gets the instance that asks.</summary>
    public required string InstanceId { get; init; }

    /// <summary>Gets its workflow.</summary>
    public required string Workflow { get; init; }

    /// <summary>Gets the activation that asks.</summary>
    public required string Activation { get; init; }

    /// <summary>Gets the question. One of more than 16,000 characters is shortened in a list, and then ends with <c>… (shortened)</c>.</summary>
    public string? Prompt { get; init; }

    /// <summary>Gets where to GET the whole of a shortened question; missing if it is not shortened.</summary>
    public string? PromptGetUri { get; init; }

    /// <summary>Gets the tool whose call the question is about; missing for the question of a node.</summary>
    public string? Tool { get; init; }

    /// <summary>Gets the arguments of that call; missing in a list if they take more than 16,000 characters.</summary>
    public JsonElement? Arguments { get; init; }

    /// <summary>Gets the key of the call's effect, under which the tool knows it.</summary>
    public string? EffectKey { get; init; }

    /// <summary>Gets the JSON schema of the answer; missing if anything is accepted.</summary>
    public JsonElement? Schema { get; init; }

    /// <summary>Gets when the question times out.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>Gets to whom the question was escalated.</summary>
    public string? Assignee { get; init; }

    /// <summary>Gets the number of further waits of the instance that are not listed yet; they appear as its questions are answered. Missing if there are none.</summary>
    public int? MoreWaiting { get; init; }

    /// <summary>Gets the event that carries the answer.</summary>
    public required string EventName { get; init; }

    /// <summary>Gets where to POST the answer.</summary>
    public required string AnswerPostUri { get; init; }
}
