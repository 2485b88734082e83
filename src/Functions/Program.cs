using Microsoft.Azure.Functions.Worker.Builder;
using Microsoft.Extensions.Hosting;
using Polyphony.DurableFunctions;
using Polyphony.Functions;

var builder = FunctionsApplication.CreateBuilder(args);
builder.AddPolyphony();
builder.Services.AddTelemetry(builder.Configuration);
await builder.Build().RunAsync();
