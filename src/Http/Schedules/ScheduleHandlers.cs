using Microsoft.AspNetCore.Http;
using Polyphony.Core.Client;
using Polyphony.Http.Hosting;
using Polyphony.Http.Requests;
using Polyphony.Http.Serialization;

namespace Polyphony.Http.Schedules;

/// <summary>Lists, pauses and resumes schedules. Thread-safe.</summary>
/// <param name="schedules">The schedules.</param>
public sealed class ScheduleHandlers(ScheduleClient schedules)
{
    /// <summary>GET /api/schedules.</summary>
    /// <param name="context">The request.</param>
    /// <returns>200 with the schedules of the valid workflows.</returns>
    public Task<IResult> ListAsync(HttpContext context) => Guard.RunPlain(context, async () =>
    {
        var found = (await schedules.ListAsync(context.RequestAborted)).Select(schedule => ScheduleSummary.From(schedule, BaseUri(context))).ToList();
        return TypedResults.Json(found, HttpJsonContext.Default.ListScheduleSummary);
    });

    /// <summary>GET /api/schedules/{workflow}/{name}.</summary>
    /// <param name="context">The request.</param>
    /// <param name="workflow">The workflow's name.</param>
    /// <param name="name">The schedule's name.</param>
    /// <returns>200 with the schedule, 404, or 422 with the workflow's problems.</returns>
    public Task<IResult> GetAsync(HttpContext context, string workflow, string name) => Guard.RunPlain(context, async () =>
        TypedResults.Json(ScheduleSummary.From(await schedules.GetAsync(workflow, name, context.RequestAborted), BaseUri(context)), HttpJsonContext.Default.ScheduleSummary));

    /// <summary>POST /api/schedules/{workflow}/{name}/pause.</summary>
    /// <param name="context">The request.</param>
    /// <param name="workflow">The workflow's name.</param>
    /// <param name="name">The schedule's name.</param>
    /// <returns>202 once it is committed, 404, 409 if no host has taken it up yet.</returns>
    public Task<IResult> PauseAsync(HttpContext context, string workflow, string name) => ActAsync(context, () => schedules.PauseAsync(workflow, name, context.RequestAborted));

    /// <summary>POST /api/schedules/{workflow}/{name}/resume.</summary>
    /// <param name="context">The request.</param>
    /// <param name="workflow">The workflow's name.</param>
    /// <param name="name">The schedule's name.</param>
    /// <returns>202 once it is committed, 404, 409 if no host has taken it up yet.</returns>
    public Task<IResult> ResumeAsync(HttpContext context, string workflow, string name) => ActAsync(context, () => schedules.ResumeAsync(workflow, name, context.RequestAborted));

    private static Task<IResult> ActAsync(HttpContext context, Func<Task> act) => Guard.RunPlain(context, async () =>
    {
        await act();
        return TypedResults.StatusCode(StatusCodes.Status202Accepted);
    });

    private static string BaseUri(HttpContext context) => $"{RoutePrefix.BaseAddress(context.Request)}/api/schedules";
}
