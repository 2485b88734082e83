using Microsoft.Azure.Functions.Worker.Builder;
using Microsoft.Extensions.Hosting;
using Polyphony.DurableFunctions;

var builder = FunctionsApplication.CreateBuilder(args);
builder.AddPolyphony();
await builder.Build().RunAsync();
