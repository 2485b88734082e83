using System.Globalization;
using System.Text.Json;
using Polyphony.Core.Client;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;
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

        if (QuestionOf(eventName) is { } question && FindQuestion(definition, question) is { } node && IsOver(metadata, node, question))
        {
            throw new RequestProblemException(
                ProblemCodes.QuestionNotFound, $"Instance \"{instanceId}\" does not ask \"{FieldReader.Shorten(question)}\" any more: it was answered or timed out. Nothing was changed.");
        }

        if (FindSchema(definition, eventName)?.Validate(payload ?? Null) is { Count: > 0 } violations)
        {
            throw new SchemaViolationException("answer_invalid", $"event \"{eventName}\" of instance \"{instanceId}\"", violations);
        }
    }

    /// <summary>Finds the definition that an instance has pinned.</summary>
    /// <param name="metadata">The engine's record, with its input.</param>
    /// <returns>The definition, or <see langword="null"/> if it runs none.</returns>
    internal WorkflowDefinition? FindDefinition(OrchestrationMetadata metadata)
    {
        return metadata.Name == TaskNames.WorkflowOrchestration && metadata.Input is { } input && ReadRun(input) is { DefinitionHash: { } hash }
            ? _definitions.Find(hash)
            : null;
    }

    // An input that can't be read is shown as such elsewhere; here it must not take the questions of others from the list.
    private static WorkflowInput? ReadRun(string input)
    {
        try
        {
            return JsonSerializer.Deserialize(input, CoreJsonContext.Default.WorkflowInput);
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
    private static bool IsOver(OrchestrationMetadata metadata, NodeDefinition node, string activation)
    {
        var mark = activation.LastIndexOf('#');
        var round = mark < 0 ? 1 : int.TryParse(activation.AsSpan(mark + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : int.MaxValue;
        return ApprovalHandlers.ProgressOf(metadata)?.Nodes.FirstOrDefault(each => each.Node == node.Name) is { } progress
            && (progress.Round > round || (progress.Round == round && progress.Status is NodeResult.Completed or NodeResult.Skipped or NodeResult.Failed or NodeResult.Stopped));
    }
}
