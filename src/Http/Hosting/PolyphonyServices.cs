using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Polyphony.Core.Client;
using Polyphony.Core.Json;
using Polyphony.Core.Topics;
using Polyphony.Http.Approvals;
using Polyphony.Http.Health;
using Polyphony.Http.Instances;
using Polyphony.Http.Ledger;
using Polyphony.Http.Queue;
using Polyphony.Http.Schedules;
using Polyphony.Http.Serialization;
using Polyphony.Http.Topics;
using Polyphony.Http.Workflows;

namespace Polyphony.Http.Hosting;

/// <summary>Adds the HTTP API to a host.</summary>
internal static class PolyphonyServices
{
    /// <summary>Adds the handlers. The host adds a <see cref="WorkflowClient"/> and a <see cref="Core.Definitions.IDefinitionStore"/>.</summary>
    /// <param name="services">The services.</param>
    /// <param name="options">The settings.</param>
    /// <returns>The services.</returns>
    public static IServiceCollection AddPolyphonyHttp(this IServiceCollection services, PolyphonyHttpOptions options) =>
        services.AddPolyphonyHttp(_ => options);

    /// <summary>Adds the handlers, with settings that depend on other services.</summary>
    /// <param name="services">The services.</param>
    /// <param name="options">Creates the settings once, at the first request.</param>
    /// <returns>The services.</returns>
    public static IServiceCollection AddPolyphonyHttp(this IServiceCollection services, Func<IServiceProvider, PolyphonyHttpOptions> options)
    {
        services.AddSingleton(options);
        services.TryAddSingleton(provider => provider.GetRequiredService<PolyphonyHttpOptions>().TimeProvider);
        services.AddSingleton<AnswerCheck>();
        services.AddSingleton<WorkflowHandlers>();
        services.AddSingleton<InstanceHandlers>();
        services.AddSingleton<StartHandlers>();
        services.AddSingleton<MessageStarts>();
        services.AddSingleton<ManageHandlers>();
        services.AddSingleton<ApprovalHandlers>();
        services.AddSingleton<ScheduleClient>();
        services.AddSingleton<ScheduleHandlers>();
        services.AddSingleton<HealthHandlers>();
        services.AddSingleton(provider => new TopicClient(provider.GetRequiredService<WorkflowClient>(), provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<TopicHandlers>();
        services.AddSingleton(provider => new QueueReader(
            provider.GetRequiredService<WorkflowClient>(), provider.GetRequiredService<TopicClient>(), provider.GetRequiredService<PolyphonyHttpOptions>().Admission,
            provider.GetService<IDeployments>(), provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<QueueHandlers>();
        services.AddSingleton<UsageHandlers>();
        services.AddHostedService<QueueMetrics>();
        services.Configure<JsonOptions>(json =>
        {
            json.SerializerOptions.TypeInfoResolverChain.Insert(0, HttpJsonContext.Default);
            json.SerializerOptions.TypeInfoResolverChain.Insert(1, CoreJsonContext.Default);
        });
        return services.AddPolyphonyOpenApi();
    }

    /// <summary>Adds what a host without a gateway in front of it needs: problem details for every refusal, the access log, and the checks of <see cref="AccessOptions"/>.</summary>
    /// <param name="app">The application.</param>
    /// <param name="access">Who may reach it.</param>
    /// <returns>The application.</returns>
    /// <exception cref="PolyphonyException"><c>api_key_invalid</c>: the key is too short, or not valid in a header.</exception>
    public static IApplicationBuilder UsePolyphonyAccess(this IApplicationBuilder app, AccessOptions access)
    {
        AccessOptions.CheckKey(access.ApiKey);
        return app.UseMiddleware<ProblemMiddleware>().UseMiddleware<AccessMiddleware>(access);
    }
}
