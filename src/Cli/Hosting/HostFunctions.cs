using Microsoft.Extensions.Logging;
using Polyphony.Activities;
using Polyphony.Activities.Providers;
using Polyphony.Activities.Tools;
using Polyphony.Core.Durable;
using Polyphony.Core.Runs;
using Polyphony.Engine;

namespace Polyphony.Cli.Hosting;

/// <summary>What the embedded host runs: the interpreter, the activities, the models and the tools.</summary>
internal static class HostFunctions
{
    public static void Register(DurableRegistry registry, EmbeddedEngine engine, CliSettings settings, ModelSettings models, ILoggerFactory loggerFactory)
    {
        models.LogWarnings(loggerFactory);
        registry.AddWorkflows(engine.Definitions, InterpreterOptions.InMemory);
        new PolyphonyActivities(
            new ActivitiesOptions { Prices = models.Prices },
            engine.Payloads,
            engine.Ledger,
            engine.Definitions,
            ModelRegistry.CreateDefault(models.Models, models.Endpoints, loggerFactory),
            new FileTools(settings.FilesFolder, settings.DataFolder).Register(new ToolRegistry()),
            TimeProvider.System,
            loggerFactory).Register(registry);
    }
}
