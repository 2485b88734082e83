using Microsoft.AspNetCore.Http;
using Polyphony.Core.Client;
using Polyphony.Http.Hosting;
using Polyphony.Http.Requests;
using Polyphony.Http.Serialization;

namespace Polyphony.Http.Workflows;

/// <summary>Lists what can be started. Thread-safe.</summary>
/// <param name="client">The workflows.</param>
public sealed class WorkflowHandlers(WorkflowClient client)
{
    /// <summary>GET /api/workflows.</summary>
    /// <param name="context">The request.</param>
    /// <returns>200 with the valid workflows by name.</returns>
    public Task<IResult> ListAsync(HttpContext context) => Guard.RunPlain(context, () =>
    {
        var workflows = client.Catalog.List().Select(definition => WorkflowSummary.From(definition, BaseUri(context), whole: false)).ToList();
        return Task.FromResult<IResult>(TypedResults.Json(workflows, HttpJsonContext.Default.ListWorkflowSummary));
    });

    /// <summary>GET /api/workflows/{name}.</summary>
    /// <param name="context">The request.</param>
    /// <param name="name">The workflow's name.</param>
    /// <returns>200 with the workflow and its definition, 404, or 422 with its problems.</returns>
    public Task<IResult> GetAsync(HttpContext context, string name) => Guard.RunPlain(context, () => Task.FromResult<IResult>(
        TypedResults.Json(WorkflowSummary.From(client.Resolve(name), BaseUri(context), whole: true), HttpJsonContext.Default.WorkflowSummary)));

    private static string BaseUri(HttpContext context) => $"{RoutePrefix.BaseAddress(context.Request)}/api/workflows";
}
