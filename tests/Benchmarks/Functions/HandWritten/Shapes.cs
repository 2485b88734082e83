using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;

namespace Polyphony.Benchmarks.HandWritten;

/// <summary>A sequence and a fan-out over an activity that does nothing, as the documentation of Durable Functions writes them.</summary>
public static class Shapes
{
    private static readonly string Text = new('x', 300);

    /// <summary>Each step gets what the one before returned.</summary>
    [Function("sequence")]
    public static async Task<string> SequenceAsync([OrchestrationTrigger] TaskOrchestrationContext context)
    {
        var text = Text;
        for (var i = context.GetInput<int>(); i > 0; i--)
        {
            text = await context.CallActivityAsync<string>("step", text);
        }

        return text;
    }

    /// <summary>All at once.</summary>
    [Function("fanout")]
    public static async Task<int> FanOutAsync([OrchestrationTrigger] TaskOrchestrationContext context)
    {
        var all = await Task.WhenAll(Enumerable.Range(0, context.GetInput<int>()).Select(_ => context.CallActivityAsync<string>("step", Text)));
        return all.Length;
    }

    /// <summary>Takes 300 bytes and returns them.</summary>
    [Function("step")]
    public static string Step([ActivityTrigger] string text) => text;

    /// <summary>Starts one.</summary>
    [Function("start")]
    public static async Task<Ok<string>> StartAsync(
        [HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "api/start/{shape}/{count:int}")] HttpRequest request,
        string shape,
        int count,
        [DurableClient] DurableTaskClient client) =>
        TypedResults.Ok(await client.ScheduleNewOrchestrationInstanceAsync(shape, count, request.HttpContext.RequestAborted));

    /// <summary>Tells how one does.</summary>
    [Function("status")]
    public static async Task<Ok<string>> StatusAsync(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "api/status/{id}")] HttpRequest request,
        string id,
        [DurableClient] DurableTaskClient client) =>
        TypedResults.Ok((await client.GetInstanceAsync(id, request.HttpContext.RequestAborted))?.RuntimeStatus.ToString() ?? "Unknown");

    /// <summary>Answers when the host is up.</summary>
    [Function("live")]
    public static Ok LiveAsync([HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "healthz/live")] HttpRequest request) => TypedResults.Ok();
}
