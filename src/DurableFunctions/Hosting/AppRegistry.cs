using Microsoft.Extensions.Logging;
using Polyphony.Activities;
using Polyphony.Activities.Apps;
using Polyphony.Activities.Providers;
using Polyphony.Activities.Providers.Offline;
using Polyphony.Activities.Providers.OpenAI;
using Polyphony.Activities.Tools;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
using Polyphony.Core.Ledger;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;
using Polyphony.DurableFunctions.Durable;

namespace Polyphony.DurableFunctions.Hosting;

/// <summary>What the app's functions run: the interpreter, the workflows in C#, and the activities with the app's models and tools.</summary>
/// <param name="settings">The settings.</param>
/// <param name="models">The models and prices.</param>
/// <param name="workflows">The workflows of the program.</param>
/// <param name="tools">The app's tools.</param>
/// <param name="clients">The app's chat clients.</param>
/// <param name="definitions">The pinned definitions.</param>
/// <param name="payloads">The payload store.</param>
/// <param name="ledger">The ledger.</param>
/// <param name="timeProvider">The clock.</param>
/// <param name="loggerFactory">Makes the loggers.</param>
internal sealed class AppRegistry(
    FunctionsSettings settings,
    ModelSettings models,
    AppWorkflows workflows,
    IEnumerable<AppTool> tools,
    ChatClients clients,
    IDefinitionStore definitions,
    IPayloadStore payloads,
    ILedger ledger,
    TimeProvider timeProvider,
    ILoggerFactory loggerFactory)
{
    /// <summary>Makes the registry.</summary>
    /// <returns>The functions by name.</returns>
    /// <exception cref="PolyphonyException">A chat client can't be made.</exception>
    public DurableRegistry Make()
    {
        models.LogWarnings(loggerFactory);
        var registry = new DurableRegistry().AddWorkflows(definitions, InterpreterOptions.ExtendedSessions, workflows.Code).AddOrchestration(EventSender.Name, EventSender.RunAsync);
        new PolyphonyActivities(
            new ActivitiesOptions { Prices = models.Prices, ToolTimeout = settings.ToolTimeout },
            payloads,
            ledger,
            definitions,
            new ModelRegistry(
                [new OfflineProvider(), new OpenAIProvider(loggerFactory: loggerFactory), new AzureOpenAIProvider(loggerFactory: loggerFactory), .. clients.MakeProviders()],
                models.Models,
                models.Endpoints),
            MakeTools(settings, tools),
            timeProvider,
            loggerFactory).Register(registry);
        return registry;
    }

    /// <summary>Makes the tools.</summary>
    /// <param name="settings">The settings.</param>
    /// <param name="tools">The app's tools.</param>
    /// <returns>The tools by name.</returns>
    /// <exception cref="ArgumentException">Two have one name, or a schema can't be checked.</exception>
    public static ToolRegistry MakeTools(FunctionsSettings settings, IEnumerable<AppTool> tools)
    {
        var registry = new FileTools(settings.FilesFolder).Register(new ToolRegistry());
        foreach (var tool in tools)
        {
            registry.Add(tool.Function);
        }

        return registry;
    }
}
