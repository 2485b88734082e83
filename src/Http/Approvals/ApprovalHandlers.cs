using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Polyphony.Core.Client;
using Polyphony.Core.Durable;
using Polyphony.Core.Interpreter;
using Polyphony.Core.Json;
using Polyphony.Http.Instances;
using Polyphony.Http.Requests;
using Polyphony.Http.Serialization;

namespace Polyphony.Http.Approvals;

/// <summary>Lists what people are asked. Thread-safe.</summary>
/// <param name="client">The workflows.</param>
/// <param name="answers">Knows the schemas of answers.</param>
public sealed class ApprovalHandlers(WorkflowClient client, AnswerCheck answers)
{
    /// <summary>GET /api/approvals.</summary>
    /// <param name="context">The request; <c>top</c> and the header <c>x-ms-continuation-token</c> page through the running instances.</param>
    /// <returns>200 with the open questions of a page of running instances, sub-workflows included, newest instance first.</returns>
    public Task<IResult> ListAsync(HttpContext context) => Guard.Run(context, async () =>
    {
        var query = new QueryReader(context.Request);
        var asked = new OrchestrationQuery
        {
            Name = ActivityNames.WorkflowOrchestration,
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

        return TypedResults.Json(page.Instances.SelectMany(metadata => Questions(context, metadata)).ToList(), HttpJsonContext.Default.ListApproval);
    });

    private IEnumerable<Approval> Questions(HttpContext context, OrchestrationMetadata metadata)
    {
        var progress = metadata.CustomStatus is { } json ? JsonSerializer.Deserialize(json, CoreJsonContext.Default.WorkflowProgress) : null;
        foreach (var wait in progress?.WaitingFor.Where(wait => wait is { Kind: "human", EventName: not null }) ?? [])
        {
            var definition = answers.FindDefinition(metadata);
            yield return new Approval
            {
                InstanceId = metadata.InstanceId,
                Workflow = definition?.Name ?? metadata.Name,
                Activation = wait.Activation,
                Prompt = wait.Prompt,
                Schema = definition is null ? null : AnswerCheck.FindSchema(definition, wait.EventName!)?.Json,
                Until = wait.Until,
                Assignee = wait.Assignee,
                EventName = wait.EventName!,
                AnswerPostUri = $"{InstanceLinks.InstanceUri(context.Request, metadata.InstanceId)}/events/{Uri.EscapeDataString(wait.EventName!)}",
            };
        }
    }
}
