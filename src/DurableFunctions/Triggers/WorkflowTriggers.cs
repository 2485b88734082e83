using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Polyphony.Http.Workflows;

namespace Polyphony.DurableFunctions.Triggers;

/// <summary>The HTTP functions that show workflows. The handlers are those of the embedded host.</summary>
/// <param name="workflows">Shows workflows.</param>
public sealed class WorkflowTriggers(WorkflowHandlers workflows)
{
    /// <summary>Lists the workflows that can be started.</summary>
    /// <param name="request">The request.</param>
    /// <returns>The answer.</returns>
    [Function("polyphony-list-workflows")]
    public Task<IResult> ListAsync(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "api/workflows")] HttpRequest request) => workflows.ListAsync(request.HttpContext);

    /// <summary>Shows a workflow with its definition.</summary>
    /// <param name="request">The request.</param>
    /// <param name="name">The workflow's name.</param>
    /// <returns>The answer.</returns>
    [Function("polyphony-get-workflow")]
    public Task<IResult> GetAsync(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "api/workflows/{name}")] HttpRequest request,
        string name) => workflows.GetAsync(request.HttpContext, name);
}
