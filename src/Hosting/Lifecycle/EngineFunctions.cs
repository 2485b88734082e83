using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Polyphony.Activities;
using Polyphony.Activities.Apps;
using Polyphony.Activities.Providers;
using Polyphony.Activities.Providers.Offline;
using Polyphony.Activities.Providers.OpenAI;
using Polyphony.Activities.Tools;
using Polyphony.Core.Durable;
using Polyphony.Core.Runs;
using Polyphony.Engine;
using Polyphony.Hosting.Settings;

namespace Polyphony.Hosting.Lifecycle;

/// <summary>What the engine of an app runs: the interpreter, the workflows in C#, and the activities with the app's models and tools.</summary>
/// <param name="options">The options.</param>
/// <param name="settings">What they come to.</param>
/// <param name="workflows">The workflows of the program.</param>
/// <param name="tools">The app's tools.</param>
/// <param name="clients">The app's chat clients.</param>
/// <param name="timeProvider">The clock.</param>
/// <param name="loggerFactory">Makes the loggers.</param>
/// <param name="registryOfTests">What answers in place of all providers, in tests of workflows.</param>
internal sealed class EngineFunctions(
    IOptions<PolyphonyOptions> options,
    HostSettings settings,
    AppWorkflows workflows,
    IEnumerable<AppTool> tools,
    ChatClients clients,
    TimeProvider timeProvider,
    ILoggerFactory loggerFactory,
    IModelRegistry? registryOfTests = null)
{
    /// <summary>Fills a registry.</summary>
    /// <param name="engine">The engine, with its stores.</param>
    /// <param name="registry">The registry.</param>
    /// <exception cref="PolyphonyException">A chat client cannot be made.</exception>
    public void Register(EmbeddedEngine engine, DurableRegistry registry)
    {
        var models = settings.Models;
        models.LogWarnings(loggerFactory);
        registry.AddWorkflows(engine.Definitions, InterpreterOptions.InMemory, workflows.Code);
        new PolyphonyActivities(
            new ActivitiesOptions { Prices = models.Prices, ToolTimeout = options.Value.ToolTimeout, PayloadCacheBytes = options.Value.PayloadCacheBytes },
            engine.Payloads,
            engine.Ledger,
            engine.Definitions,
            registryOfTests ?? new ModelRegistry(
                [new OfflineProvider(), new OpenAIProvider(loggerFactory: loggerFactory), new AzureOpenAIProvider(loggerFactory: loggerFactory), .. clients.MakeProviders()],
                models.Models,
                models.Endpoints),
            Tools(),
            timeProvider,
            loggerFactory).Register(registry);
    }

    private ToolRegistry Tools()
    {
        IReadOnlyList<string> excluded = settings.DataFile is { } file ? [Path.GetDirectoryName(file)!] : [];
        var registry = new FileTools(settings.FilesFolder, excluded).Register(new ToolRegistry());
        foreach (var tool in tools)
        {
            registry.Add(tool.Function);
        }

        return registry;
    }
}
