using Microsoft.Extensions.Logging;
using Polyphony.Activities.Limits;
using Polyphony.Activities.Locks;
using Polyphony.Activities.Providers;
using Polyphony.Activities.Providers.Offline;
using Polyphony.Activities.Providers.OpenAI;
using Polyphony.Activities.Schedules;
using Polyphony.Activities.Tools;
using Polyphony.Activities.Tools.Http;
using Polyphony.Activities.Tools.Servers;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
using Polyphony.Core.Ledger;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;

namespace Polyphony.Activities.Apps;

/// <summary>What an app runs on every host: the interpreter, the workflows in C#, and the activities with the app's models and tools. Thread-safe.</summary>
/// <param name="workflows">The workflows of the program.</param>
/// <param name="tools">The app's tools.</param>
/// <param name="clients">The app's chat clients.</param>
/// <param name="catalog">All workflows of the host, for their subscriptions.</param>
/// <param name="http">Makes the requests of tools.</param>
/// <param name="servers">The tool servers.</param>
/// <param name="gates">The limits of the deployments.</param>
/// <param name="timeProvider">The clock.</param>
/// <param name="loggerFactory">Makes the loggers.</param>
/// <param name="registryOfTests">What answers in place of all providers, in tests of workflows.</param>
internal sealed class AppActivities(
    AppWorkflows workflows,
    IEnumerable<AppTool> tools,
    ChatClients clients,
    IWorkflowCatalog catalog,
    ToolHttpClient http,
    ToolServers servers,
    DeploymentGates gates,
    TimeProvider timeProvider,
    ILoggerFactory loggerFactory,
    IModelRegistry? registryOfTests = null)
{
    /// <summary>Fills a registry.</summary>
    /// <param name="registry">The registry.</param>
    /// <param name="interpreter">How the interpreter goes about it on this host.</param>
    /// <param name="options">The settings of the activities; the prices are those of <paramref name="models"/>.</param>
    /// <param name="models">The models and prices of the host.</param>
    /// <param name="files">The tools that read files.</param>
    /// <param name="definitions">The pinned definitions.</param>
    /// <param name="payloads">The payload store.</param>
    /// <param name="ledger">The ledger.</param>
    /// <param name="schedules">What starts what is due.</param>
    /// <param name="locks">What asks for locks.</param>
    /// <exception cref="PolyphonyException">A chat client cannot be made.</exception>
    /// <exception cref="ArgumentException">Two tools have one name, or a schema cannot be checked.</exception>
    public void Register(
        DurableRegistry registry,
        InterpreterOptions interpreter,
        ActivitiesOptions options,
        ModelSettings models,
        FileTools files,
        IDefinitionStore definitions,
        IPayloadStore payloads,
        ILedger ledger,
        ScheduleActivity schedules,
        LockActivity locks)
    {
        models.LogWarnings(loggerFactory);
        registry.AddWorkflows(definitions, interpreter, workflows.Code);
        schedules.Register(registry);
        locks.Register(registry);
        new PolyphonyActivities(
            options with { Prices = models.Prices },
            payloads,
            ledger,
            definitions,
            registryOfTests ?? new ModelRegistry(
                [new OfflineProvider(), new OpenAIProvider(loggerFactory: loggerFactory), new AzureOpenAIProvider(loggerFactory: loggerFactory), .. clients.MakeProviders()],
                models.Models,
                models.Endpoints),
            MakeTools(files, tools).Add(new HttpTools(http, models.Endpoints, timeProvider), first: true).Add(servers, first: false),
            timeProvider,
            loggerFactory,
            catalog,
            models.CheckPrices(),
            models.Endpoints,
            gates).Register(registry);
    }

    /// <summary>Makes the tools that are functions of the program.</summary>
    /// <param name="files">The tools that read files.</param>
    /// <param name="tools">The app's tools.</param>
    /// <returns>The tools by name.</returns>
    /// <exception cref="ArgumentException">Two have one name, or a schema cannot be checked.</exception>
    public static ToolRegistry MakeTools(FileTools files, IEnumerable<AppTool> tools)
    {
        var registry = files.Register(new ToolRegistry());
        foreach (var tool in tools)
        {
            tool.AddTo(registry);
        }

        return registry;
    }
}
