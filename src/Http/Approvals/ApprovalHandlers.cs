using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Polyphony.Core.Client;
using Polyphony.Core.Durable;
using Polyphony.Core.Json;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;
using Polyphony.Http.Instances;
using Polyphony.Http.Problems;
using Polyphony.Http.Requests;
using Polyphony.Http.Serialization;

namespace Polyphony.Http.Approvals;

/// <summary>Lists the open questions to people. Thread-safe.</summary>
/// <param name="client">The workflows.</param>
/// <param name="answers">Finds the schemas of answers.</param>
public sealed class ApprovalHandlers(WorkflowClient client, AnswerCheck answers)
{
    /// <summary>The longest question in a list, in characters.</summary>
    private const int MaxListedLength = 16_000;

    /// <summary>GET /api/approvals.</summary>
    /// <param name="context">The request; <c>top</c> and the header <c>x-ms-continuation-token</c> page through the running instances.</param>
    /// <returns>200 with the open questions of a page of running instances, sub-workflows included, newest instance first.</returns>
    public Task<IResult> ListAsync(HttpContext context) => Guard.Run(context, async () =>
    {
        var query = new QueryReader(context.Request);
        var asked = new OrchestrationQuery
        {
            Statuses = [OrchestrationRuntimeStatus.Running],
            IncludeChildren = true,
            FetchInputsAndOutputs = true,
            PageSize = query.Whole("top", 1, OrchestrationQuery.MaxPageSize, OrchestrationQuery.MaxPageSize),
            ContinuationToken = context.Request.Headers[InstanceHandlers.ContinuationHeader] is [{ Length: > 0 } token] ? token : null,
        };
        query.Check();

        var page = await client.Durable.QueryAsync(asked, context.RequestAborted);
        if (page.ContinuationToken is not null)
        {
            context.Response.Headers[InstanceHandlers.ContinuationHeader] = page.ContinuationToken;
        }

        var approvals = new List<Approval>();
        foreach (var metadata in page.Instances.Where(each => each.Name is TaskNames.WorkflowOrchestration or TaskNames.ItemsOrchestration))
        {
            var progress = ProgressOf(metadata);
            foreach (var wait in QuestionsOf(progress))
            {
                approvals.Add(await DescribeAsync(context, metadata, progress!, wait, MaxListedLength));
            }
        }

        return TypedResults.Json(approvals, HttpJsonContext.Default.ListApproval);
    });

    /// <summary>GET /api/approvals/{id}/{activation}: the whole of one question.</summary>
    /// <param name="context">The request.</param>
    /// <param name="id">The id of the instance that asks.</param>
    /// <param name="activation">The activation that asks.</param>
    /// <returns>200 with the question, or 404 if it is not, or no longer, open.</returns>
    public Task<IResult> GetAsync(HttpContext context, string id, string activation) => Guard.RunPlain(context, async () =>
    {
        WorkflowClient.CheckInstanceId(id);
        var metadata = await client.Durable.GetAsync(id, fetchInputsAndOutputs: true, context.RequestAborted) ?? throw new InstanceNotFoundException(id);
        var progress = metadata.IsFinished ? null : ProgressOf(metadata);
        var wait = QuestionsOf(progress).FirstOrDefault(wait => string.Equals(wait.Activation, activation, StringComparison.Ordinal));
        return wait is null
            ? throw new RequestProblemException(
                ProblemCodes.QuestionNotFound, $"Instance \"{id}\" has no open question \"{FieldReader.Shorten(activation)}\". GET /api/approvals lists the open questions.")
            : TypedResults.Json(await DescribeAsync(context, metadata, progress!, wait, int.MaxValue), HttpJsonContext.Default.Approval);
    });

    /// <summary>Reads the progress of an instance.</summary>
    /// <param name="metadata">The engine's record.</param>
    /// <returns>Its status, or <see langword="null"/> for one that has none or whose status can't be read, so that it does not take the others from the list.</returns>
    internal static WorkflowProgress? ProgressOf(OrchestrationMetadata metadata)
    {
        try
        {
            return metadata.CustomStatus is { } json ? JsonSerializer.Deserialize(json, CoreJsonContext.Default.WorkflowProgress) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Finds the open questions of an instance.</summary>
    private static IEnumerable<PendingWait> QuestionsOf(WorkflowProgress? progress) =>
        progress?.WaitingFor.Where(wait => wait is { Kind: "human", EventName: not null }) ?? [];

    private async Task<Approval> DescribeAsync(HttpContext context, OrchestrationMetadata metadata, WorkflowProgress progress, PendingWait wait, int maxLength)
    {
        var definition = answers.FindDefinition(metadata);
        var (prompt, isCut) = await PromptAsync(wait, maxLength, context.RequestAborted);
        var details = await answers.DetailsAsync(wait, context.RequestAborted);
        return new Approval
        {
            InstanceId = metadata.InstanceId,
            Workflow = definition?.Name ?? metadata.Name,
            Activation = wait.Activation,
            Prompt = prompt,
            PromptGetUri = isCut ? InstanceLinks.ApprovalUri(context.Request, metadata.InstanceId, wait.Activation) : null,
            Tool = details?.Tool,
            Arguments = details?.Arguments is { } arguments && arguments.GetRawText().Length <= maxLength ? arguments : null,
            EffectKey = details?.EffectKey,
            Schema = details is not null ? details.Form : definition is null ? null : AnswerCheck.FindSchema(definition, wait.EventName!)?.Json,
            Until = wait.Until,
            Assignee = wait.Assignee,
            MoreWaiting = progress is { MoreWaiting: > 0 and var more } ? more : null,
            EventName = wait.EventName!,
            AnswerPostUri = $"{InstanceLinks.InstanceUri(context.Request, metadata.InstanceId)}/events/{Uri.EscapeDataString(wait.EventName!)}",
        };
    }

    /// <summary>Reads a question from where all of it is.</summary>
    private async Task<(string? Prompt, bool IsCut)> PromptAsync(PendingWait wait, int maxLength, CancellationToken cancellationToken)
    {
        if (wait.Question is null)
        {
            return (wait.Prompt, false);
        }

        try
        {
            var question = await client.ReadAsync(wait.Question, cancellationToken);
            var text = question.ValueKind == JsonValueKind.String ? question.GetString()! : question.GetRawText();
            return text.Length <= maxLength ? (text, false) : (ErrorText.Beginning(text, maxLength) + PendingWait.CutMark, true);
        }
        catch (PayloadNotFoundException)
        {
            // It was answered and purged since.
            return (wait.Prompt, false);
        }
    }
}
