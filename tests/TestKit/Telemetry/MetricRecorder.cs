using System.Diagnostics.Metrics;
using Polyphony.Core.Telemetry;

namespace Polyphony.TestKit.Telemetry;

/// <summary>Keeps what is measured. Other tests measure at the same time: a test asks for what has a name of its own.</summary>
public sealed class MetricRecorder : IDisposable
{
    private readonly Lock _lock = new();
    private readonly List<(string Name, double Value, Dictionary<string, object?> Tags)> _measured = [];
    private readonly MeterListener _listener = new();

    /// <summary>Begins to listen.</summary>
    /// <param name="wanted">Which instruments; by default all.</param>
    public MetricRecorder(Func<Instrument, bool>? wanted = null)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == PolyphonyTelemetry.Name && wanted?.Invoke(instrument) != false)
            {
                lock (_lock)
                {
                    Instruments[instrument.Name] = instrument;
                }

                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.Start();
    }

    /// <summary>Gets the instruments that were found.</summary>
    public Dictionary<string, Instrument> Instruments { get; } = new(StringComparer.Ordinal);

    /// <summary>Reads what is only measured when it is asked for.</summary>
    public void Collect() => _listener.RecordObservableInstruments();

    /// <summary>Finds what was measured with an attribute.</summary>
    public IReadOnlyList<(double Value, Dictionary<string, object?> Tags)> Of(string name, string? key = null, object? value = null)
    {
        lock (_lock)
        {
            return [.. _measured.Where(each => each.Name == name && (key is null || Equals(each.Tags.GetValueOrDefault(key), value))).Select(each => (each.Value, each.Tags))];
        }
    }

    /// <summary>Forgets what was measured.</summary>
    public void Clear()
    {
        lock (_lock)
        {
            _measured.Clear();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _listener.Dispose();

    private void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var copy = new Dictionary<string, object?>(tags.ToArray(), StringComparer.Ordinal);
        lock (_lock)
        {
            _measured.Add((instrument.Name, value, copy));
        }
    }
}
