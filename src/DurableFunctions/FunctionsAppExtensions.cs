using Azure.Core.Serialization;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Builder;
using Microsoft.Azure.Functions.Worker.Core.FunctionMetadata;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Polyphony.Activities;
using Polyphony.Activities.Apps;
using Polyphony.Activities.Limits;
using Polyphony.Activities.Locks;
using Polyphony.Activities.Providers;
using Polyphony.Activities.Schedules;
using Polyphony.Activities.Tools;
using Polyphony.Activities.Tools.Http;
using Polyphony.Activities.Tools.Servers;
using Polyphony.Core.Client;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
using Polyphony.Core.Ledger;
using Polyphony.Core.Payloads;
using Polyphony.Core.Runs;
using Polyphony.DurableFunctions.Durable;
using Polyphony.DurableFunctions.Hosting;
using Polyphony.DurableFunctions.Starts;
using Polyphony.DurableFunctions.Storage;
using Polyphony.Http;
using Polyphony.Http.Hosting;

namespace Polyphony.DurableFunctions;

/// <summary>Adds Polyphony to an Azure Functions app.</summary>
public static class FunctionsAppExtensions
{
    /// <summary>
    /// Adds Polyphony beside the app's own functions: the routes of the HTTP API, the orchestrations and activities that run workflows, and starts by queue and blob. ASP.NET Core integration is turned on, as
    /// <c>ConfigureFunctionsWebApplication</c> does, which may also be called. A <see cref="WorkflowClient"/> is available to the app's own functions that have a <c>[DurableClient]</c> parameter.
    /// </summary>
    /// <param name="builder">The app.</param>
    /// <param name="configure">Sets or overrides options after the app settings are applied.</param>
    /// <returns>A builder that adds workflows, tools and models. Further calls add to the same app.</returns>
    /// <remarks>Options, app settings and host.json are validated when the app starts: an <see cref="OptionsValidationException"/> lists every problem.</remarks>
    public static PolyphonyBuilder AddPolyphony(this FunctionsApplicationBuilder builder, Action<PolyphonyOptions>? configure = null)
    {
        var options = builder.Services.AddOptions<PolyphonyOptions>();
        if (builder.Services.All(service => service.ServiceType != typeof(AppFunctions)))
        {
            options.Configure<IConfiguration>(FunctionsSettings.Configure).ValidateOnStart();
            builder.ConfigureFunctionsWebApplication();
            builder.UseMiddleware<PolyphonyMiddleware>();
            AddSettings(builder.Services);
            AddStores(builder.Services);
            AddFunctions(builder.Services);
        }

        if (configure is not null)
        {
            options.Configure(configure);
        }

        return new PolyphonyBuilder(builder.Services);
    }

    private static void AddSettings(IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(provider => HostJson.Read(provider.GetRequiredService<IConfiguration>()));
        services.AddSingleton<AppWorkflows>();
        services.AddSingleton(provider => new ChatClients(services, provider, provider.GetServices<AppChatClient>()));
        services.AddSingleton<IValidateOptions<PolyphonyOptions>, OptionsValidator>();

        // What is wrong was found when the options were validated.
        services.AddSingleton(provider => FunctionsSettings.Resolve(
            provider.GetRequiredService<IOptions<PolyphonyOptions>>().Value, provider.GetRequiredService<IConfiguration>(), provider.GetRequiredService<HostJson>(), []));
        services.AddSingleton(provider => provider.GetRequiredService<FunctionsSettings>().Starts);
        services.AddSingleton(provider =>
        {
            var models = ModelSettings.Read(provider.GetRequiredService<FunctionsSettings>().SettingsFile);
            return models.With(AppToolSettings.Add(models.Tools, provider.GetServices<AppToolSettings>(), AppContext.BaseDirectory, []));
        });
        services.AddSingleton(provider => provider.GetRequiredService<ModelSettings>().CheckPrices());
        services.AddSingleton(provider => provider.GetRequiredService<ModelSettings>().Endpoints);
    }

    private static void AddStores(IServiceCollection services)
    {
        services.AddSingleton(provider => new BlobStorage(
            StorageSettings.ConnectBlobs(provider.GetRequiredService<IConfiguration>()).GetBlobContainerClient(provider.GetRequiredService<FunctionsSettings>().Container)));
        services.AddSingleton(provider => new TableStorage(
            StorageSettings.ConnectTables(provider.GetRequiredService<IConfiguration>()).GetTableClient(provider.GetRequiredService<FunctionsSettings>().Table)));
        services.AddSingleton<IDefinitionStore, BlobDefinitionStore>();
        services.AddSingleton<IPayloadStore, BlobPayloadStore>();
        services.AddSingleton<ILedger, TableLedger>();
        services.AddSingleton<IStartReservations, BlobStartReservations>();
        services.AddSingleton<IWorkflowCatalog>(provider => new AppCatalog(
            provider.GetRequiredService<AppWorkflows>(),
            provider.GetServices<AppWorkflowFolder>().Select(added => FunctionsSettings.Folder(added.Folder)).Prepend(provider.GetRequiredService<FunctionsSettings>().WorkflowsFolder)));
    }

    private static void AddFunctions(IServiceCollection services)
    {
        // Payloads are Core's JSON already: nothing on the way may format them again.
        services.PostConfigure<WorkerOptions>(options => options.Serializer = new RawJsonSerializer(options.Serializer ?? new JsonObjectSerializer()));

        services.AddSingleton<DurableClientSource>();
        services.AddSingleton<DurableClient>(provider => new DurableClientAdapter(
            () => provider.GetRequiredService<DurableClientSource>().Client,
            provider.GetRequiredService<IPayloadStore>(),
            provider.GetRequiredService<ILedger>(),
            provider.GetRequiredService<IStartReservations>(),
            provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<WorkflowClient>();
        services.AddPolyphonyHttp(provider => new PolyphonyHttpOptions { Admission = provider.GetRequiredService<FunctionsSettings>().Admission });
        services.AddSingleton<QueueStarts>();
        services.AddSingleton<BlobStarts>();
        services.AddSingleton<IFunctionMetadataTransformer, FunctionIndex>();
        services.AddSingleton(_ => new ToolHttpClient());
        services.AddSingleton(provider => new ToolServers(
            provider.GetRequiredService<ModelSettings>().Tools, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILoggerFactory>()));
        services.AddSingleton<DeploymentGates>();
        services.AddSingleton<IDeployments>(provider => provider.GetRequiredService<DeploymentGates>());
        services.AddSingleton<AppActivities>();
        services.AddSingleton(provider => new AppFunctions(MakeRegistry(provider), new InstanceWatch(provider.GetRequiredService<TimeProvider>())));
    }

    private static DurableRegistry MakeRegistry(IServiceProvider provider)
    {
        var settings = provider.GetRequiredService<FunctionsSettings>();
        var registry = new DurableRegistry()
            .AddOrchestration(EventSender.Name, EventSender.RunAsync)
            .AddOrchestration(InstanceStarts.Name, InstanceStarts.RunAsync)
            .AddActivity(InstanceStarts.Activity, InstanceStarts.Start(provider.GetRequiredService<DurableClient>));
        provider.GetRequiredService<AppActivities>().Register(
            registry,
            InterpreterOptions.ExtendedSessions,
            new ActivitiesOptions { ToolTimeout = settings.ToolTimeout },
            provider.GetRequiredService<ModelSettings>(),
            new FileTools(settings.FilesFolder, provider.GetRequiredService<ModelSettings>().Tools.Files),
            provider.GetRequiredService<IDefinitionStore>(),
            provider.GetRequiredService<IPayloadStore>(),
            provider.GetRequiredService<ILedger>(),
            new ScheduleActivity(provider.GetRequiredService<WorkflowClient>, isOn: true, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILoggerFactory>()),
            new LockActivity(provider.GetRequiredService<DurableClient>));
        return registry;
    }
}
