using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Polyphony.Core.Telemetry;

namespace Polyphony.Cli.Hosting;

/// <summary>Sends spans and metrics of the host to a collector, as the variables of OpenTelemetry say. Off unless one of them names a collector.</summary>
internal sealed class HostTelemetry : IAsyncDisposable
{
    private const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private const string TracesEndpoint = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
    private const string MetricsEndpoint = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";

    /// <summary>How long the end of a command waits for a collector.</summary>
    private static readonly TimeSpan FlushLimit = TimeSpan.FromSeconds(2);

    private readonly TracerProvider? _traces;
    private readonly MeterProvider? _metrics;

    private HostTelemetry(TracerProvider? traces, MeterProvider? metrics) => (_traces, _metrics) = (traces, metrics);

    /// <summary>Starts to send.</summary>
    /// <param name="read">Reads a variable of the environment.</param>
    /// <returns>What sends; <see langword="null"/> if no collector is named.</returns>
    /// <exception cref="CliException">A variable has a value that can't be used; all of them are listed.</exception>
    public static HostTelemetry? Start(Func<string, string?> read)
    {
        string? Value(string name) => read(name) is { Length: > 0 } value ? value : null;
        Check(Value);
        var sendsTraces = (Value(Endpoint) ?? Value(TracesEndpoint)) is not null && Value("OTEL_TRACES_EXPORTER") != "none";
        var sendsMetrics = (Value(Endpoint) ?? Value(MetricsEndpoint)) is not null && Value("OTEL_METRICS_EXPORTER") != "none";
        if ((!sendsTraces && !sendsMetrics) || string.Equals(Value("OTEL_SDK_DISABLED"), "true", StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }

        // What the user calls the service stands.
        var isNamed = Value("OTEL_SERVICE_NAME") is not null || Value("OTEL_RESOURCE_ATTRIBUTES")?.Contains("service.name=", StringComparison.Ordinal) == true;
        void Describe(ResourceBuilder resource)
        {
            if (!isNamed)
            {
                resource.AddService("polyphony", serviceVersion: typeof(HostTelemetry).Assembly.GetName().Version?.ToString());
            }
        }

        // The SDK reads the variables by itself.
        return new HostTelemetry(
            sendsTraces ? Sdk.CreateTracerProviderBuilder().ConfigureResource(Describe).AddSource(PolyphonyTelemetry.Name).AddOtlpExporter().Build() : null,
            sendsMetrics ? Sdk.CreateMeterProviderBuilder().ConfigureResource(Describe).AddMeter(PolyphonyTelemetry.Name).AddOtlpExporter().Build() : null);
    }

    private static void Check(Func<string, string?> valueOf)
    {
        var problems = new List<string>();
        foreach (var name in new[] { Endpoint, TracesEndpoint, MetricsEndpoint })
        {
            if (valueOf(name) is { } address && !(Uri.TryCreate(address, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"))
            {
                problems.Add($"{name} must be an address such as http://localhost:4317; found \"{address}\".");
            }
        }

        foreach (var name in new[] { "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL" })
        {
            if (valueOf(name) is { } protocol and not ("grpc" or "http/protobuf"))
            {
                problems.Add($"{name} must be grpc (the default) or http/protobuf; found \"{protocol}\".");
            }
        }

        if (problems.Count > 0)
        {
            throw CliException.Invalid(string.Join(Environment.NewLine, problems));
        }
    }

    /// <summary>Sends what is left. A collector that can't be reached neither fails a command nor keeps it for more than two seconds.</summary>
    /// <returns>A task that completes then.</returns>
    public async ValueTask DisposeAsync()
    {
        var limit = (int)FlushLimit.TotalMilliseconds;
        var ends = Task.WhenAll(Task.Run(() => _traces?.Shutdown(limit)), Task.Run(() => _metrics?.Shutdown(limit)));
        await Task.WhenAny(ends, Task.Delay(FlushLimit));
        if (ends.IsCompleted)
        {
            _traces?.Dispose();
            _metrics?.Dispose();
        }
    }
}
