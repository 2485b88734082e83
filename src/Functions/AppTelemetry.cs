using Azure.Core;
using Azure.Identity;
using Azure.Monitor.OpenTelemetry.Exporter;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Polyphony.Core.Telemetry;

namespace Polyphony.Functions;

/// <summary>Sends spans and metrics of the app to a collector and to Azure Monitor, where app settings name them.</summary>
internal static class AppTelemetry
{
    /// <summary>Adds what sends them.</summary>
    /// <param name="services">The app's services.</param>
    /// <param name="configuration">The app settings.</param>
    /// <exception cref="InvalidOperationException">A setting has a value that can't be used.</exception>
    public static void AddTelemetry(this IServiceCollection services, IConfiguration configuration)
    {
        string? Value(string name) => configuration[name] is { Length: > 0 } value ? value : null;
        var monitor = Value("APPLICATIONINSIGHTS_CONNECTION_STRING");
        var all = Address("OTEL_EXPORTER_OTLP_ENDPOINT");
        var traces = all || Address("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
        var metrics = all || Address("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT");
        if (monitor is null && !traces && !metrics)
        {
            return;
        }

        var telemetry = services.AddOpenTelemetry();
        if (Value("OTEL_SERVICE_NAME") is null)
        {
            telemetry.ConfigureResource(resource => resource.AddService(Value("WEBSITE_SITE_NAME") ?? "polyphony"));
        }

        if (traces || monitor is not null)
        {
            telemetry.WithTracing(builder => AddExporters(builder, traces, monitor is null ? null : Connect));
        }

        if (metrics || monitor is not null)
        {
            telemetry.WithMetrics(builder => AddExporters(builder, metrics, monitor is null ? null : Connect));
        }

        void Connect(AzureMonitorExporterOptions options)
        {
            options.ConnectionString = monitor;
            options.Credential = Identity(Value("APPLICATIONINSIGHTS_AUTHENTICATION_STRING"));
        }

        bool Address(string name) => Value(name) is { } address && (Uri.TryCreate(address, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"
            ? true
            : throw new InvalidOperationException($"{name} must be an address such as http://localhost:4317; found \"{address}\". Correct the app setting."));
    }

    private static void AddExporters(TracerProviderBuilder builder, bool hasCollector, Action<AzureMonitorExporterOptions>? connect)
    {
        builder.AddSource(PolyphonyTelemetry.Name);
        if (hasCollector)
        {
            builder.AddOtlpExporter();
        }

        if (connect is not null)
        {
            builder.AddAzureMonitorTraceExporter(connect);
        }
    }

    private static void AddExporters(MeterProviderBuilder builder, bool hasCollector, Action<AzureMonitorExporterOptions>? connect)
    {
        builder.AddMeter(PolyphonyTelemetry.Name);
        if (hasCollector)
        {
            builder.AddOtlpExporter();
        }

        if (connect is not null)
        {
            builder.AddAzureMonitorMetricExporter(connect);
        }
    }

    /// <summary>Reads by what identity the app reaches Application Insights, in the form that the Functions host reads: <c>ClientId=ID;Authorization=AAD</c>.</summary>
    private static TokenCredential? Identity(string? text)
    {
        var parts = (text ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (!parts.Contains("Authorization=AAD", StringComparer.OrdinalIgnoreCase))
        {
            return null;
        }

        const string ClientId = "ClientId=";
        return new ManagedIdentityCredential(
            parts.FirstOrDefault(part => part.StartsWith(ClientId, StringComparison.OrdinalIgnoreCase)) is { } named
                ? ManagedIdentityId.FromUserAssignedClientId(named[ClientId.Length..])
                : ManagedIdentityId.SystemAssigned);
    }
}
