using System.Globalization;
using System.Text.Json;
using Polyphony.Core.Client;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;
using Polyphony.Expressions.Schemas;
using Polyphony.Http.Problems;
using Polyphony.Http.Requests;

namespace Polyphony.Http.Approvals;

/// <summary>Checks answers against the schemas that instances expect. Thread-safe.</summary>
/// <param name="client">The workflows.</param>
/// <param name="definitions">Where pinned definitions are kept.</param>
public sealed class AnswerCheck(WorkflowClient client, IDefinitionStore definitions)
{
    private static readonly JsonElement Null = JsonElement.Parse("null");
    private readonly DefinitionCache _definitions = DefinitionCache.Of(definitions);

    /// <summary>Checks an event against the schema of the node that waits for it. Events that no node waits for are accepted: they may be meant for later.</summary>
    /// <param name="instanceId">The instance.</param>
    /// <param name="eventName">The event.</param>
    /// <param name="payload">Its payload.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>A task that completes when it fits.</returns>
    /// <exception cref="InstanceNotFoundException">There is no such instance.</exception>
    /// <exception cref="RequestProblemException">It answers a question that is no longer open; code <c>question_not_found</c>.</exception>
    /// <exception cref="SchemaViolationException">It does not fit; code <c>answer_invalid</c>, with every violation.</exception>
    public async Task CheckAsync(string instanceId, string eventName, JsonElement? payload, CancellationToken cancellationToken = default)
    {
        var metadata = await client.Durable.GetAsync(instanceId, fetchInputsAndOutputs: true, cancellationToken) ?? throw new InstanceNotFoundException(instanceId);
        if (metadata.IsFinished || FindDefinition(metadata) is not { } definition)
        {
            return;
        }

        var progress = ApprovalHandlers.ProgressOf(metadata);
        if (QuestionOf(eventName) is { } question
            && ((FindQuestion(definition, question) is { } node && IsOver(progress, node, question)) || IsClosedToolQuestion(definition, progress, question)))
        {
            throw new RequestProblemException(
                ProblemCodes.QuestionNotFound, $"Instance \"{instanceId}\" does not ask \"{FieldReader.Shorten(question)}\" any more: it was answered or timed out. Nothing was changed.");
        }

        var schema = progress?.WaitingFor.FirstOrDefault(wait => string.Equals(wait.EventName, eventName, StringComparison.OrdinalIgnoreCase)) is { } asked
            && await DetailsAsync(asked, cancellationToken) is { } details
            ? Parse(details.Form)
            : FindSchema(definition, eventName);
        if (schema?.Validate(payload ?? Null) is { Count: > 0 } violations)
        {
            throw new SchemaViolationException("answer_invalid", $"event \"{eventName}\" of instance \"{instanceId}\"", violations);
        }
    }

    /// <summary>Finds the definition that an instance has pinned.</summary>
    /// <param name="metadata">The engine's record, with its input.</param>
    /// <returns>The definition, or <see langword="null"/> if it runs none.</returns>
    internal WorkflowDefinition? FindDefinition(OrchestrationMetadata metadata)
    {
        return metadata.Input is { } input && HashOf(metadata.Name, input) is { } hash ? _definitions.Find(hash) : null;
    }

    // An input that can't be read is shown as such elsewhere; here it must not take the questions of others from the list.
    private static string? HashOf(string name, string input)
    {
        try
        {
            return name switch
            {
                TaskNames.WorkflowOrchestration => JsonSerializer.Deserialize(input, CoreJsonContext.Default.WorkflowInput)?.DefinitionHash,
                TaskNames.ItemsOrchestration => JsonSerializer.Deserialize(input, CoreJsonContext.Default.ItemsInput)?.Scope.DefinitionHash,
                _ => null,
            };
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Finds the schema of an event: that of a question (<c>answer:ACTIVATION</c>) or of a waiting node.</summary>
    /// <param name="definition">The definition.</param>
    /// <param name="eventName">The event; compared case-insensitively.</param>
    /// <returns>The schema, or <see langword="null"/> if anything is accepted.</returns>
    internal static JsonSchema? FindSchema(WorkflowDefinition definition, string eventName)
    {
        if (QuestionOf(eventName) is { } question)
        {
            return FindQuestion(definition, question) is { } asking ? asking.Kind.AnswerSchemaOf(asking) : null;
        }

        return definition.Graph.Nodes.FirstOrDefault(node => string.Equals(node.Kind.EventOf(node), eventName, StringComparison.OrdinalIgnoreCase)) is { } waiting
            ? waiting.Kind.AnswerSchemaOf(waiting)
            : null;
    }

    /// <summary>Reads what there is to know of a question about a tool call; <see langword="null"/> for other questions, and for one that was answered and purged since.</summary>
    internal async Task<ToolQuestionDetails?> DetailsAsync(PendingWait wait, CancellationToken cancellationToken)
    {
        try
        {
            return wait.Details is null ? null : (await client.ReadAsync(wait.Details, cancellationToken)).Deserialize(CoreJsonContext.Default.ToolQuestionDetails);
        }
        catch (PayloadNotFoundException)
        {
            return null;
        }
    }

    private static JsonSchema? Parse(JsonElement form) => JsonSchema.TryParse(form, out var schema, out _) ? schema : null;

    /// <summary>Finds whether an answer is about a tool call that nobody is asked about. It would stay, and answer a question that is asked later.</summary>
    private static bool IsClosedToolQuestion(WorkflowDefinition definition, WorkflowProgress? progress, string activation)
    {
        var name = activation[..(activation.AsSpan().IndexOfAny('[', '#', '.') is var end and >= 0 ? end : activation.Length)];
        return activation.Contains('.', StringComparison.Ordinal)
            && definition.Graph.Nodes.FirstOrDefault(each => string.Equals(each.Name, name, StringComparison.OrdinalIgnoreCase)) is { Kind: { TakesSlot: true } }
            && progress is { MoreWaiting: 0 }
            && !progress.WaitingFor.Any(wait => string.Equals(wait.Activation, activation, StringComparison.OrdinalIgnoreCase));
    }

    private static string? QuestionOf(string eventName)
    {
        var prefix = EventNames.Answer("");
        return eventName.StartsWith(prefix, StringComparison.OrdinalIgnoreCase) ? eventName[prefix.Length..] : null;
    }

    // An activation is the node's name, with [item] and #round where there are several.
    private static NodeDefinition? FindQuestion(WorkflowDefinition definition, string activation)
    {
        var end = activation.AsSpan().IndexOfAny('[', '#');
        var name = end < 0 ? activation : activation[..end];
        return definition.Graph.Nodes.FirstOrDefault(node => node.Kind.IsQuestion && string.Equals(node.Name, name, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>Determines whether the status says that a question is no longer open. An answer may arrive before its question; a later one is lost.</summary>
    private static bool IsOver(WorkflowProgress? status, NodeDefinition node, string activation)
    {
        var mark = activation.LastIndexOf('#');
        var round = mark < 0 ? 1 : int.TryParse(activation.AsSpan(mark + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : int.MaxValue;
        return status?.Nodes.FirstOrDefault(each => each.Node == node.Name) is { } progress
            && (progress.Round > round || (progress.Round == round && progress.Status is NodeResult.Completed or NodeResult.Skipped or NodeResult.Failed or NodeResult.Stopped));
    }
}
