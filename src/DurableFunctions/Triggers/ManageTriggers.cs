using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Polyphony.DurableFunctions.Hosting;
using Polyphony.Http.Approvals;
using Polyphony.Http.Instances;

namespace Polyphony.DurableFunctions.Triggers;

/// <summary>The HTTP functions that manage instances. The handlers are those of the embedded host.</summary>
/// <param name="manage">Manages instances.</param>
/// <param name="approvals">Lists open questions.</param>
public sealed class ManageTriggers(ManageHandlers manage, ApprovalHandlers approvals)
{
    /// <summary>Sends an event, such as a person's answer.</summary>
    /// <param name="request">The request.</param>
    /// <param name="id">The instance's id.</param>
    /// <param name="name">The event's name.</param>
    /// <param name="client">The client of the task hub, passed on through <see cref="DurableClientSource"/>.</param>
    /// <returns>The answer.</returns>
    [Function("polyphony-raise-event")]
    public Task<IResult> RaiseEventAsync(
        [HttpTrigger(AuthorizationLevel.Function, "post", Route = "api/instances/{id}/events/{name}")] HttpRequest request,
        string id,
        string name,
        [DurableClient] DurableTaskClient client) => manage.RaiseEventAsync(request.HttpContext, id, name);

    /// <summary>Suspends an instance.</summary>
    /// <param name="request">The request.</param>
    /// <param name="id">The instance's id.</param>
    /// <param name="client">The client of the task hub, passed on through <see cref="DurableClientSource"/>.</param>
    /// <returns>The answer.</returns>
    [Function("polyphony-suspend")]
    public Task<IResult> SuspendAsync(
        [HttpTrigger(AuthorizationLevel.Function, "post", Route = "api/instances/{id}/suspend")] HttpRequest request,
        string id,
        [DurableClient] DurableTaskClient client) => manage.SuspendAsync(request.HttpContext, id);

    /// <summary>Resumes a suspended instance.</summary>
    /// <param name="request">The request.</param>
    /// <param name="id">The instance's id.</param>
    /// <param name="client">The client of the task hub, passed on through <see cref="DurableClientSource"/>.</param>
    /// <returns>The answer.</returns>
    [Function("polyphony-resume")]
    public Task<IResult> ResumeAsync(
        [HttpTrigger(AuthorizationLevel.Function, "post", Route = "api/instances/{id}/resume")] HttpRequest request,
        string id,
        [DurableClient] DurableTaskClient client) => manage.ResumeAsync(request.HttpContext, id);

    /// <summary>Ends an instance.</summary>
    /// <param name="request">The request.</param>
    /// <param name="id">The instance's id.</param>
    /// <param name="client">The client of the task hub, passed on through <see cref="DurableClientSource"/>.</param>
    /// <returns>The answer.</returns>
    [Function("polyphony-terminate")]
    public Task<IResult> TerminateAsync(
        [HttpTrigger(AuthorizationLevel.Function, "post", Route = "api/instances/{id}/terminate")] HttpRequest request,
        string id,
        [DurableClient] DurableTaskClient client) => manage.TerminateAsync(request.HttpContext, id);

    /// <summary>Restarts a finished instance as a new one.</summary>
    /// <param name="request">The request.</param>
    /// <param name="id">The instance's id.</param>
    /// <param name="client">The client of the task hub, passed on through <see cref="DurableClientSource"/>.</param>
    /// <returns>The answer.</returns>
    [Function("polyphony-restart")]
    public Task<IResult> RestartAsync(
        [HttpTrigger(AuthorizationLevel.Function, "post", Route = "api/instances/{id}/restart")] HttpRequest request,
        string id,
        [DurableClient] DurableTaskClient client) => manage.RestartAsync(request.HttpContext, id);

    /// <summary>Runs a failed instance again from where it failed.</summary>
    /// <param name="request">The request.</param>
    /// <param name="id">The instance's id.</param>
    /// <param name="client">The client of the task hub, passed on through <see cref="DurableClientSource"/>.</param>
    /// <returns>The answer.</returns>
    [Function("polyphony-rewind")]
    public Task<IResult> RewindAsync(
        [HttpTrigger(AuthorizationLevel.Function, "post", Route = "api/instances/{id}/rewind")] HttpRequest request,
        string id,
        [DurableClient] DurableTaskClient client) => manage.RewindAsync(request.HttpContext, id);

    /// <summary>Removes a finished instance.</summary>
    /// <param name="request">The request.</param>
    /// <param name="id">The instance's id.</param>
    /// <param name="client">The client of the task hub, passed on through <see cref="DurableClientSource"/>.</param>
    /// <returns>The answer.</returns>
    [Function("polyphony-purge")]
    public Task<IResult> PurgeAsync(
        [HttpTrigger(AuthorizationLevel.Function, "delete", Route = "api/instances/{id}")] HttpRequest request,
        string id,
        [DurableClient] DurableTaskClient client) => manage.PurgeAsync(request.HttpContext, id);

    /// <summary>Lists the questions that wait for a person.</summary>
    /// <param name="request">The request.</param>
    /// <param name="client">The client of the task hub, passed on through <see cref="DurableClientSource"/>.</param>
    /// <returns>The answer.</returns>
    [Function("polyphony-list-approvals")]
    public Task<IResult> ApprovalsAsync(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "api/approvals")] HttpRequest request,
        [DurableClient] DurableTaskClient client) => approvals.ListAsync(request.HttpContext);

    /// <summary>Shows the whole of a question that waits for a person.</summary>
    /// <param name="request">The request.</param>
    /// <param name="id">The id of the instance that asks.</param>
    /// <param name="activation">The activation that asks.</param>
    /// <param name="client">The client of the task hub, passed on through <see cref="DurableClientSource"/>.</param>
    /// <returns>The answer.</returns>
    [Function("polyphony-get-approval")]
    public Task<IResult> ApprovalAsync(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "api/approvals/{id}/{activation}")] HttpRequest request,
        string id,
        string activation,
        [DurableClient] DurableTaskClient client) => approvals.GetAsync(request.HttpContext, id, activation);
}
