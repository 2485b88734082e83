using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Polyphony.Core.Client;
using Polyphony.Core.Durable;

namespace Polyphony.FunctionsApp.Orders;

/// <summary>The app's own functions.</summary>
/// <param name="orders">The orders.</param>
/// <param name="workflows">Starts workflows, of files and in C#.</param>
public sealed class OrderFunctions(OrderBook orders, WorkflowClient workflows)
{
    /// <summary>Shows an order.</summary>
    /// <param name="request">The request.</param>
    /// <param name="id">The order's number.</param>
    /// <returns>The answer.</returns>
    [Function("getOrder")]
    public IResult Get([HttpTrigger(AuthorizationLevel.Function, "get", Route = "orders/{id}")] HttpRequest request, string id) =>
        orders.Find(id) is { } order ? TypedResults.Ok(order) : TypedResults.NotFound();

    /// <summary>Lets a workflow answer a customer's question.</summary>
    /// <param name="request">The request; its body is the question.</param>
    /// <param name="id">The order's number.</param>
    /// <param name="client">Lets <see cref="WorkflowClient"/> reach the task hub.</param>
    /// <returns>The answer: where the run is.</returns>
    [Function("askAboutOrder")]
    public async Task<IResult> AskAsync(
        [HttpTrigger(AuthorizationLevel.Function, "post", Route = "orders/{id}/questions")] HttpRequest request,
        string id,
        [DurableClient] DurableTaskClient client)
    {
        using var reader = new StreamReader(request.Body);
        var question = await reader.ReadToEndAsync(request.HttpContext.RequestAborted);
        var instance = await workflows.StartAsync(
            "answer-customer", JsonSerializer.SerializeToElement(new { order = id, question }), cancellationToken: request.HttpContext.RequestAborted);
        return TypedResults.Accepted($"/api/instances/{instance}", new { id = instance });
    }

    /// <summary>Lets a workflow in C# thank the customer: once for each order, however often it is asked for.</summary>
    /// <param name="request">The request.</param>
    /// <param name="id">The order's number.</param>
    /// <param name="client">Lets <see cref="WorkflowClient"/> reach the task hub.</param>
    /// <returns>The answer: where the run is.</returns>
    [Function("thankCustomer")]
    public async Task<IResult> ThankAsync(
        [HttpTrigger(AuthorizationLevel.Function, "post", Route = "orders/{id}/thanks")] HttpRequest request,
        string id,
        [DurableClient] DurableTaskClient client)
    {
        var instance = $"thanks-{id}";
        try
        {
            await workflows.StartAsync(
                ThankYouWorkflow.Name, JsonSerializer.SerializeToElement(new { order = id }), new StartWorkflowOptions { InstanceId = instance }, request.HttpContext.RequestAborted);
        }
        catch (InstanceExistsException)
        {
            // It runs, or has run.
        }

        return TypedResults.Accepted($"/api/instances/{instance}", new { id = instance });
    }

    /// <summary>Ships an order: starts the app's own orchestration.</summary>
    /// <param name="request">The request.</param>
    /// <param name="id">The order's number.</param>
    /// <param name="client">Starts it.</param>
    /// <returns>The answer: its instance id.</returns>
    [Function("shipOrder")]
    public static async Task<IResult> ShipAsync(
        [HttpTrigger(AuthorizationLevel.Function, "post", Route = "orders/{id}/shipment")] HttpRequest request,
        string id,
        [DurableClient] DurableTaskClient client) =>
        TypedResults.Accepted((string?)null, new { id = await client.ScheduleNewOrchestrationInstanceAsync(nameof(ShipmentAsync), id, request.HttpContext.RequestAborted) });

    /// <summary>The app's own orchestration.</summary>
    /// <param name="context">The orchestration.</param>
    /// <returns>The parcel's number.</returns>
    [Function(nameof(ShipmentAsync))]
    public static Task<string> ShipmentAsync([OrchestrationTrigger] TaskOrchestrationContext context) =>
        context.CallActivityAsync<string>(nameof(PrintLabel), context.GetInput<string>());

    /// <summary>The app's own activity.</summary>
    /// <param name="id">The order's number.</param>
    /// <returns>The parcel's number.</returns>
    [Function(nameof(PrintLabel))]
    public string PrintLabel([ActivityTrigger] string id) => $"parcel for {orders.Find(id)?.Customer ?? "nobody"}";
}
