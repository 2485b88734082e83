using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Polyphony.Core.Telemetry;

/// <summary>Where the spans and metrics come from. An app gets them with <c>AddSource(PolyphonyTelemetry.Name)</c> and <c>AddMeter(PolyphonyTelemetry.Name)</c> of the OpenTelemetry SDK; docs/hosting.md lists them.</summary>
public static class PolyphonyTelemetry
{
    /// <summary>The name of the <see cref="ActivitySource"/> and of the <see cref="Meter"/>.</summary>
    public const string Name = "Polyphony";

    internal static ActivitySource Source { get; } = new(Name);

    /// <summary>Gets the meter of what is counted as it happens. What is read when it is asked for has meters of the same name, one a host, which end with it.</summary>
    internal static Meter Meter { get; } = new(Name);
}
