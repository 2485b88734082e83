// A Functions app with functions of its own, and Polyphony beside them. How it fits together: docs/azure.md, "In your own Functions app".
//   FUNCTIONS_APP=samples/FunctionsApp ./dev func
using Microsoft.Azure.Functions.Worker.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Polyphony.DurableFunctions;
using Polyphony.FunctionsApp.Orders;

var builder = FunctionsApplication.CreateBuilder(args);
builder.Services.AddSingleton<OrderBook>();
builder.AddPolyphony()
    .AddTool<OrderTools>()
    .AddCodeWorkflow<ThankYouWorkflow.Request, string>(ThankYouWorkflow.Agents, ThankYouWorkflow.RunAsync);
await builder.Build().RunAsync();
