// Polyphony in a web app of your own: a tool from its services, a workflow in a file, one in C#, and the HTTP API beside the app's routes.
//   dotnet run --project samples/WebApp
//   curl -X POST "localhost:5000/orders/7/answer" -H "Content-Type: application/json" -d '"Where is my parcel?"'
//   curl "localhost:5000/polyphony/api/instances"
// A refund above 100 euros waits for a person, among the open questions:
//   curl -X POST "localhost:5000/orders/7/refund" -H "Content-Type: application/json" -d 120
//   curl "localhost:5000/polyphony/api/approvals"
using System.Text.Json;
using Polyphony.Activities.Tools;
using Polyphony.Core.Client;
using Polyphony.Core.Definitions;
using Polyphony.Core.Payloads;
using Polyphony.Hosting;
using WebApp;

var builder = WebApplication.CreateBuilder(args);
builder.Services.AddSingleton<OrderBook>();
builder.AddPolyphony()
    .AddWorkflows("workflows")
    .AddTool<OrderTools>(_ => new ToolOptions { Idempotent = true })
    .AddCodeWorkflow(new WorkflowBuilder("digest").Model("fast", "offline").Agent("writer", "fast", "You sum up in one sentence."), async (workflow, input) =>
        (await workflow.CallAgentAsync("writer", "{{ text }}", new Dictionary<string, Payload> { ["text"] = Payload.Inline(input) })).Json);

var app = builder.Build();
app.MapPolyphony("/polyphony");
app.MapPost("/orders/{id:int}/answer", (int id, JsonElement question, WorkflowClient workflows) => RunAsync(workflows, "answer", new { id, question }));
app.MapPost("/orders/{id:int}/refund", async (int id, JsonElement amount, WorkflowClient workflows) =>
    await workflows.StartAsync("refund", JsonSerializer.SerializeToElement(new { id, amount })));
app.MapPost("/digest", (JsonElement text, WorkflowClient workflows) => RunAsync(workflows, "digest", text));
app.Run();

static async Task<JsonElement?> RunAsync(WorkflowClient workflows, string name, object input)
{
    var instance = await workflows.StartAsync(name, JsonSerializer.SerializeToElement(input));
    await workflows.Durable.WaitForCompletionAsync(instance);
    return (await workflows.GetAsync(instance))?.Output;
}
