using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Polyphony.DurableFunctions.Hosting;
using Polyphony.Http.Instances;

namespace Polyphony.DurableFunctions.Triggers;

/// <summary>The HTTP functions that start and read instances. The handlers are those of the embedded host.</summary>
/// <param name="start">Starts instances.</param>
/// <param name="read">Reads instances.</param>
public sealed class InstanceTriggers(StartHandlers start, InstanceHandlers read)
{
    /// <summary>Starts an instance.</summary>
    /// <param name="request">The request.</param>
    /// <param name="name">The workflow's name.</param>
    /// <param name="client">The client of the task hub, passed on through <see cref="DurableClientSource"/>.</param>
    /// <returns>The answer.</returns>
    [Function("polyphony-start-instance")]
    public Task<IResult> StartAsync(
        [HttpTrigger(AuthorizationLevel.Function, "post", Route = "api/workflows/{name}/instances")] HttpRequest request,
        string name,
        [DurableClient] DurableTaskClient client) => start.StartAsync(request.HttpContext, name);

    /// <summary>Refuses to start an instance of an inline definition.</summary>
    /// <param name="request">The request.</param>
    /// <param name="client">The client of the task hub, passed on through <see cref="DurableClientSource"/>.</param>
    /// <returns>The answer.</returns>
    [Function("polyphony-start-definition")]
    public Task<IResult> StartDefinitionAsync(
        [HttpTrigger(AuthorizationLevel.Function, "post", Route = "api/instances")] HttpRequest request,
        [DurableClient] DurableTaskClient client) => start.StartDefinitionAsync(request.HttpContext);

    /// <summary>Lists instances, newest first.</summary>
    /// <param name="request">The request.</param>
    /// <param name="client">The client of the task hub, passed on through <see cref="DurableClientSource"/>.</param>
    /// <returns>The answer.</returns>
    [Function("polyphony-list-instances")]
    public Task<IResult> ListAsync(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "api/instances")] HttpRequest request,
        [DurableClient] DurableTaskClient client) => read.ListAsync(request.HttpContext);

    /// <summary>Shows an instance.</summary>
    /// <param name="request">The request.</param>
    /// <param name="id">The instance's id.</param>
    /// <param name="client">The client of the task hub, passed on through <see cref="DurableClientSource"/>.</param>
    /// <returns>The answer.</returns>
    [Function("polyphony-get-instance")]
    public Task<IResult> GetAsync(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "api/instances/{id}")] HttpRequest request,
        string id,
        [DurableClient] DurableTaskClient client) => read.GetAsync(request.HttpContext, id);

    /// <summary>Shows the history of an instance.</summary>
    /// <param name="request">The request.</param>
    /// <param name="id">The instance's id.</param>
    /// <param name="client">The client of the task hub, passed on through <see cref="DurableClientSource"/>.</param>
    /// <returns>The answer.</returns>
    [Function("polyphony-get-history")]
    public Task<IResult> HistoryAsync(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "api/instances/{id}/history")] HttpRequest request,
        string id,
        [DurableClient] DurableTaskClient client) => read.HistoryAsync(request.HttpContext, id);

    /// <summary>Shows what happened to an instance, in the terms of its workflow.</summary>
    /// <param name="request">The request.</param>
    /// <param name="id">The instance's id.</param>
    /// <param name="client">The client of the task hub, passed on through <see cref="DurableClientSource"/>.</param>
    /// <returns>The answer.</returns>
    [Function("polyphony-get-timeline")]
    public Task<IResult> TimelineAsync(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "api/instances/{id}/timeline")] HttpRequest request,
        string id,
        [DurableClient] DurableTaskClient client) => read.TimelineAsync(request.HttpContext, id);

    /// <summary>Follows an instance by server-sent events.</summary>
    /// <param name="request">The request.</param>
    /// <param name="id">The instance's id.</param>
    /// <param name="client">The client of the task hub, passed on through <see cref="DurableClientSource"/>.</param>
    /// <returns>The answer.</returns>
    [Function("polyphony-stream-instance")]
    public Task<IResult> StreamAsync(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "api/instances/{id}/stream")] HttpRequest request,
        string id,
        [DurableClient] DurableTaskClient client) => read.StreamAsync(request.HttpContext, id);
}
