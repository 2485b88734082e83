using System.Collections.Concurrent;
using System.Diagnostics;
using Polyphony.Core.Telemetry;

namespace Polyphony.TestKit.Telemetry;

/// <summary>Keeps the spans of the runs of one workflow, and of no other test that runs at the same time.</summary>
public sealed class SpanRecorder : IDisposable
{
    private readonly ConcurrentDictionary<ActivityTraceId, bool> _traces = new();
    private readonly ConcurrentQueue<Activity> _spans = new();
    private readonly ActivityListener _listener;
    private readonly string _workflow;

    /// <summary>Begins to listen.</summary>
    /// <param name="workflow">The workflow.</param>
    /// <param name="sampled">Whether its traces are sampled.</param>
    public SpanRecorder(string workflow, bool sampled = true)
    {
        _workflow = workflow;
        _listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == PolyphonyTelemetry.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> options) =>
                !IsOurs(ref options) ? ActivitySamplingResult.None : sampled ? ActivitySamplingResult.AllDataAndRecorded : ActivitySamplingResult.PropagationData,
            ActivityStopped = span =>
            {
                if (_traces.ContainsKey(span.TraceId))
                {
                    _spans.Enqueue(span);
                }
            },
        };
        ActivitySource.AddActivityListener(_listener);
    }

    /// <summary>Gets the spans in the order of their ends.</summary>
    public IReadOnlyList<Activity> Spans => [.. _spans];

    /// <summary>Gets the names of the spans, sorted.</summary>
    public IReadOnlyList<string> Names => [.. _spans.Select(span => span.DisplayName).Order(StringComparer.Ordinal)];

    /// <summary>Finds the only span of a name.</summary>
    /// <param name="name">The name.</param>
    public Activity Single(string name) => _spans.Single(span => span.DisplayName == name);

    /// <summary>Finds the spans of a name.</summary>
    /// <param name="name">The name.</param>
    public IReadOnlyList<Activity> All(string name) => [.. _spans.Where(span => span.DisplayName == name)];

    /// <inheritdoc/>
    public void Dispose() => _listener.Dispose();

    private bool IsOurs(ref ActivityCreationOptions<ActivityContext> options)
    {
        if (_traces.ContainsKey(options.TraceId))
        {
            return true;
        }

        // By reference: the id of a trace that begins is made when it is first asked for. The first span of a run is that of its start, which has its name.
        var isOurs = options.Tags?.Any(tag => tag is { Key: SpanNames.Workflow, Value: string workflow } && workflow == _workflow) == true;
        return isOurs && (_traces[options.TraceId] = true);
    }
}
