using Azure.Core.Serialization;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Core.FunctionMetadata;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Polyphony.Activities;
using Polyphony.Activities.Providers;
using Polyphony.Activities.Tools;
using Polyphony.Activities.Workflows;
using Polyphony.Core.Client;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
using Polyphony.Core.Ledger;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;
using Polyphony.DurableFunctions.Durable;
using Polyphony.DurableFunctions.Starts;
using Polyphony.DurableFunctions.Storage;
using Polyphony.Http;
using Polyphony.Http.Hosting;

namespace Polyphony.DurableFunctions.Hosting;

/// <summary>Sets the app up.</summary>
public static class FunctionsServices
{
    /// <summary>
    /// Adds everything that the triggers call. C# workflows and tools of the app's own are added beside it: a <see cref="DurableRegistry"/> that is
    /// registered as a service adds its functions, a <see cref="ToolRegistry"/> its tools.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="configuration">The app settings.</param>
    /// <returns>The services.</returns>
    public static IServiceCollection AddPolyphonyFunctions(this IServiceCollection services, IConfiguration configuration)
    {
        var settings = FunctionsSettings.Read(configuration);

        // Payloads are Core's JSON already: nothing on the way may format them anew.
        services.PostConfigure<WorkerOptions>(options => options.Serializer = new RawJsonSerializer(options.Serializer ?? new JsonObjectSerializer()));

        services.AddSingleton(TimeProvider.System);
        services.AddSingleton(_ => new BlobStorage(StorageSettings.ConnectBlobs(configuration).GetBlobContainerClient(settings.Container)));
        services.AddSingleton(_ => new TableStorage(StorageSettings.ConnectTables(configuration).GetTableClient(settings.Table)));
        services.AddSingleton<IDefinitionStore, BlobDefinitionStore>();
        services.AddSingleton<IPayloadStore, BlobPayloadStore>();
        services.AddSingleton<ILedger, TableLedger>();
        services.AddSingleton<IStartReservations, BlobStartReservations>();
        services.AddSingleton<IWorkflowCatalog>(new FolderWorkflowCatalog(settings.WorkflowsFolder));

        services.AddSingleton<DurableClientSource>();
        services.AddSingleton<DurableClient>(provider => new DurableClientAdapter(
            () => provider.GetRequiredService<DurableClientSource>().Client,
            provider.GetRequiredService<IPayloadStore>(),
            provider.GetRequiredService<ILedger>(),
            provider.GetRequiredService<IStartReservations>(),
            provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(_ => ModelSettings.Read(settings.SettingsFile));
        services.AddSingleton(provider => provider.GetRequiredService<ModelSettings>().CheckPrices());
        services.AddSingleton(provider => provider.GetRequiredService<ModelSettings>().Endpoints);
        services.AddSingleton<WorkflowClient>();
        services.AddPolyphonyHttp(new PolyphonyHttpOptions());

        services.AddSingleton(settings.Starts);
        services.AddSingleton<QueueStarts>();
        services.AddSingleton<BlobStarts>();
        services.AddSingleton<IFunctionMetadataTransformer, StartFunctions>();

        services.AddSingleton(provider => new AppFunctions(MakeRegistry(provider, settings), new InstanceWatch(provider.GetRequiredService<TimeProvider>())));
        return services;
    }

    private static DurableRegistry MakeRegistry(IServiceProvider provider, FunctionsSettings settings)
    {
        var definitions = provider.GetRequiredService<IDefinitionStore>();
        var models = provider.GetRequiredService<ModelSettings>();
        var loggers = provider.GetRequiredService<ILoggerFactory>();
        models.LogWarnings(loggers);
        var registry = new DurableRegistry().AddWorkflows(definitions, InterpreterOptions.ExtendedSessions).AddOrchestration(EventSender.Name, EventSender.RunAsync);
        new PolyphonyActivities(
            new ActivitiesOptions { Prices = models.Prices },
            provider.GetRequiredService<IPayloadStore>(),
            provider.GetRequiredService<ILedger>(),
            definitions,
            ModelRegistry.CreateDefault(models.Models, models.Endpoints, loggers),
            new FileTools(settings.FilesFolder).Register(provider.GetService<ToolRegistry>() ?? new ToolRegistry()),
            provider.GetRequiredService<TimeProvider>(),
            loggers).Register(registry);
        return provider.GetService<DurableRegistry>() is { } own ? registry.AddAll(own) : registry;
    }
}
