using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Polyphony.Activities.Apps;
using Polyphony.Activities.Limits;
using Polyphony.Activities.Tools.Http;
using Polyphony.Activities.Tools.Servers;
using Polyphony.Core.Client;
using Polyphony.Core.Definitions;
using Polyphony.Core.Durable;
using Polyphony.Core.Ledger;
using Polyphony.Core.Payloads;
using Polyphony.Hosting.Lifecycle;
using Polyphony.Hosting.Mcp;
using Polyphony.Hosting.Routes;
using Polyphony.Hosting.Settings;
using Polyphony.Http;
using Polyphony.Http.Hosting;

namespace Polyphony.Hosting;

/// <summary>Adds Polyphony to a .NET app.</summary>
public static class PolyphonyHosting
{
    /// <summary>
    /// Adds Polyphony with the settings of the configuration section <c>Polyphony</c>: the embedded engine as a hosted service, and a <see cref="WorkflowClient"/> and a <see cref="DurableClient"/>
    /// for the app's own code.
    /// </summary>
    /// <param name="builder">The app.</param>
    /// <param name="configure">Sets or overrides options after the configuration is applied.</param>
    /// <returns>A builder that adds workflows, tools and models.</returns>
    public static PolyphonyBuilder AddPolyphony(this IHostApplicationBuilder builder, Action<PolyphonyOptions>? configure = null)
    {
        if (builder.Services.All(service => service.ServiceType != typeof(BoundSection)))
        {
            var section = builder.Configuration.GetSection(PolyphonyOptions.SectionName);
            builder.Services.AddSingleton<BoundSection>();
            builder.Services.Configure<PolyphonyOptions>(options => new SectionReader(section, options).Read());
        }

        return builder.Services.AddPolyphony(configure);
    }

    /// <summary>Adds Polyphony as <see cref="AddPolyphony(IHostApplicationBuilder, Action{PolyphonyOptions}?)"/> does, without reading the configuration.</summary>
    /// <param name="services">The app's services.</param>
    /// <param name="configure">Sets the options.</param>
    /// <returns>A builder that adds workflows, tools and models. Further calls add to the same app.</returns>
    public static PolyphonyBuilder AddPolyphony(this IServiceCollection services, Action<PolyphonyOptions>? configure = null)
    {
        var options = services.AddOptions<PolyphonyOptions>().ValidateOnStart();
        if (configure is not null)
        {
            options.Configure(configure);
        }

        if (services.All(service => service.ServiceType != typeof(HostedEngine)))
        {
            services.TryAddSingleton(TimeProvider.System);
            options.PostConfigure<IEnumerable<AppWorkflowFolder>>((options, folders) =>
            {
                foreach (var added in folders)
                {
                    options.WorkflowFolders.Add(added.Folder);
                }
            });
            AddSettings(services);
            AddEngine(services);
            services.AddPolyphonyHttp(HttpOptions);
            services.AddWorkflowTools();
        }

        return new PolyphonyBuilder(services);
    }

    private static void AddSettings(IServiceCollection services)
    {
        services.AddSingleton(provider => new ContentRoot(provider.GetService<IHostEnvironment>()?.ContentRootPath ?? Environment.CurrentDirectory));
        services.AddSingleton<AppWorkflows>();
        services.AddSingleton(provider => new ChatClients(services, provider, provider.GetServices<AppChatClient>()));
        services.AddSingleton<IValidateOptions<PolyphonyOptions>, OptionsValidator>();

        // What is wrong was found when the options were validated.
        services.AddSingleton(provider => HostSettings.Resolve(
            provider.GetRequiredService<IOptions<PolyphonyOptions>>().Value, provider.GetRequiredService<ContentRoot>().Path, provider.GetServices<AppToolSettings>(), []));
    }

    private static void AddEngine(IServiceCollection services)
    {
        services.AddSingleton(_ => new ToolHttpClient());
        services.AddSingleton(provider => new ToolServers(
            provider.GetRequiredService<HostSettings>().Models.Tools, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILoggerFactory>()));
        services.AddSingleton<DeploymentGates>();
        services.AddSingleton<IDeployments>(provider => provider.GetRequiredService<DeploymentGates>());
        services.AddSingleton<AppActivities>();
        services.AddSingleton<MappedRoutes>();
        services.AddSingleton<HostedEngine>();
        services.AddHostedService(provider => provider.GetRequiredService<HostedEngine>());
        services.AddHostedService<ScheduleService>();
        services.AddSingleton<HostedStores>();
        services.AddSingleton<IPayloadStore>(provider => provider.GetRequiredService<HostedStores>());
        services.AddSingleton<ILedger>(provider => provider.GetRequiredService<HostedStores>());
        services.AddSingleton<IDefinitionStore>(provider => provider.GetRequiredService<HostedStores>());
        services.AddSingleton(provider => new AppCatalog(provider.GetRequiredService<AppWorkflows>(), provider.GetRequiredService<HostSettings>().WorkflowFolders));
        services.AddSingleton<IWorkflowCatalog>(provider => provider.GetRequiredService<AppCatalog>());
        services.AddSingleton<DurableClient, HostedDurableClient>();
        services.AddSingleton(provider =>
        {
            var models = provider.GetRequiredService<HostSettings>().Models;
            var stores = provider.GetRequiredService<HostedStores>();
            return new WorkflowClient(
                provider.GetRequiredService<DurableClient>(), provider.GetRequiredService<IWorkflowCatalog>(), stores, stores, models.CheckPrices(), models.Endpoints, stores);
        });
    }

    private static PolyphonyHttpOptions HttpOptions(IServiceProvider provider)
    {
        var options = provider.GetRequiredService<IOptions<PolyphonyOptions>>().Value;
        var engine = provider.GetRequiredService<HostedEngine>();
        return new PolyphonyHttpOptions
        {
            AllowInlineDefinitions = options.AllowInlineDefinitions,
            Admission = options.Admission,
            OwnerToken = engine.OwnerToken,
            Heartbeat = options.Heartbeat,
            MaxBodyBytes = options.MaxBodyBytes,
            TimeProvider = provider.GetRequiredService<TimeProvider>(),
            NotReadyReason = () => engine.NotReadyReason,
        };
    }

    /// <summary>Says that the configuration is read: once, however often Polyphony is added.</summary>
    private sealed class BoundSection;
}
