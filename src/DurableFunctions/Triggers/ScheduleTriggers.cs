using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask.Client;
using Polyphony.Activities.Schedules;
using Polyphony.Core.Client;
using Polyphony.DurableFunctions.Hosting;
using Polyphony.Http.Schedules;

namespace Polyphony.DurableFunctions.Triggers;

/// <summary>The functions of schedules: HTTP functions whose handlers are those of the embedded host, and a timer that sees to it that each schedule has its orchestration.</summary>
/// <param name="schedules">Lists, pauses and resumes schedules.</param>
/// <param name="client">The workflows.</param>
/// <param name="timeProvider">The clock.</param>
public sealed class ScheduleTriggers(ScheduleHandlers schedules, WorkflowClient client, TimeProvider timeProvider)
{
    /// <summary>Compares the schedules of the app with their orchestrations, at the start of the app and every five minutes. Only where a workflow has a schedule.</summary>
    /// <param name="timer">The timer.</param>
    /// <param name="durable">Lets the keeper reach the task hub, by <see cref="DurableClientSource"/>.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>A task that completes when all is done.</returns>
    [Function(FunctionIndex.Schedules)]
    public Task KeepAsync([TimerTrigger("0 */5 * * * *", RunOnStartup = true)] TimerInfo timer, [DurableClient] DurableTaskClient durable, CancellationToken cancellationToken) =>
        new ScheduleKeeper(client, timeProvider).KeepAsync(cancellationToken);

    /// <summary>Lists the schedules of workflows.</summary>
    /// <param name="request">The request.</param>
    /// <param name="durable">Lets the handler reach the task hub, by <see cref="DurableClientSource"/>.</param>
    /// <returns>The answer.</returns>
    [Function("polyphony-list-schedules")]
    public Task<IResult> ListAsync(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "api/schedules")] HttpRequest request,
        [DurableClient] DurableTaskClient durable) => schedules.ListAsync(request.HttpContext);

    /// <summary>Shows a schedule.</summary>
    /// <param name="request">The request.</param>
    /// <param name="workflow">The workflow's name.</param>
    /// <param name="name">The schedule's name.</param>
    /// <param name="durable">Lets the handler reach the task hub, by <see cref="DurableClientSource"/>.</param>
    /// <returns>The answer.</returns>
    [Function("polyphony-get-schedule")]
    public Task<IResult> GetAsync(
        [HttpTrigger(AuthorizationLevel.Function, "get", Route = "api/schedules/{workflow}/{name}")] HttpRequest request,
        string workflow,
        string name,
        [DurableClient] DurableTaskClient durable) => schedules.GetAsync(request.HttpContext, workflow, name);

    /// <summary>Pauses a schedule.</summary>
    /// <param name="request">The request.</param>
    /// <param name="workflow">The workflow's name.</param>
    /// <param name="name">The schedule's name.</param>
    /// <param name="durable">Lets the handler reach the task hub, by <see cref="DurableClientSource"/>.</param>
    /// <returns>The answer.</returns>
    [Function("polyphony-pause-schedule")]
    public Task<IResult> PauseAsync(
        [HttpTrigger(AuthorizationLevel.Function, "post", Route = "api/schedules/{workflow}/{name}/pause")] HttpRequest request,
        string workflow,
        string name,
        [DurableClient] DurableTaskClient durable) => schedules.PauseAsync(request.HttpContext, workflow, name);

    /// <summary>Lets a paused schedule go on.</summary>
    /// <param name="request">The request.</param>
    /// <param name="workflow">The workflow's name.</param>
    /// <param name="name">The schedule's name.</param>
    /// <param name="durable">Lets the handler reach the task hub, by <see cref="DurableClientSource"/>.</param>
    /// <returns>The answer.</returns>
    [Function("polyphony-resume-schedule")]
    public Task<IResult> ResumeAsync(
        [HttpTrigger(AuthorizationLevel.Function, "post", Route = "api/schedules/{workflow}/{name}/resume")] HttpRequest request,
        string workflow,
        string name,
        [DurableClient] DurableTaskClient durable) => schedules.ResumeAsync(request.HttpContext, workflow, name);
}
