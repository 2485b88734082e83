using System.Diagnostics;

namespace Polyphony.Core.Telemetry;

/// <summary>
/// The trace of a run. .NET's spans live in one process, and a run does not: the span of its start is exported at once, its context is kept with the instance, and every later span of the run, on
/// whatever host and after whatever crash, is a child of it.
/// </summary>
internal static class RunTrace
{
    /// <summary>Begins the span of a start.</summary>
    /// <param name="workflow">The workflow.</param>
    /// <param name="instanceId">The instance.</param>
    /// <returns>The span; <see langword="null"/> if nobody listens.</returns>
    public static Activity? Start(string workflow, string instanceId) => Begin(
        $"start_workflow {workflow}",
        ActivityKind.Producer,
        null,
        [
            new(SpanNames.Workflow, workflow),
            new(SpanNames.Instance, instanceId),
        ]);

    /// <summary>Finds what is kept with the instance.</summary>
    /// <param name="start">The span of its start.</param>
    /// <returns>A W3C <c>traceparent</c>, with the decision whether the trace is sampled; <see langword="null"/> if there is no trace.</returns>
    public static string? ContextOf(Activity? start) => start is { IdFormat: ActivityIdFormat.W3C } ? start.Id : null;

    /// <summary>Tells whether a trace is kept and sampled, so that it is worth telling its end.</summary>
    /// <param name="trace">What is kept with the instance.</param>
    public static bool IsSampled(string? trace) => ActivityContext.TryParse(trace, null, out var context) && context.TraceFlags.HasFlag(ActivityTraceFlags.Recorded);

    /// <summary>Begins a span of a run.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="kind">Its kind.</param>
    /// <param name="trace">What is kept with the instance; <see langword="null"/>: nobody listened at its start, and the span belongs to what goes on around it, if anything does.</param>
    /// <param name="tags">The attributes that samplers may look at.</param>
    /// <param name="startTime">When it began; by default now.</param>
    /// <returns>The span; <see langword="null"/> if nobody listens.</returns>
    public static Activity? Begin(string name, ActivityKind kind, string? trace, IEnumerable<KeyValuePair<string, object?>> tags, DateTimeOffset startTime = default)
    {
        if (!PolyphonyTelemetry.Source.HasListeners())
        {
            return null;
        }

        if (ActivityContext.TryParse(trace, null, isRemote: true, out var parent))
        {
            return PolyphonyTelemetry.Source.StartActivity(kind, parent, tags, links: null, startTime, name);
        }

        var current = Activity.Current;
        if (current is not { Parent: null, Source.Name: "" } || (current.ParentSpanId == default && current.Recorded))
        {
            return PolyphonyTelemetry.Source.StartActivity(kind, default, tags, links: null, startTime, name);
        }

        // ASP.NET Core makes a span for each request also where nobody asked for it. It is never exported; what the caller sent stands above it, if the caller traces.
        var above = current.ParentSpanId == default
            ? default
            : new ActivityContext(current.TraceId, current.ParentSpanId, current.ActivityTraceFlags, current.TraceStateString, isRemote: true);
        Activity.Current = null;
        var begun = PolyphonyTelemetry.Source.StartActivity(kind, above, tags, links: null, startTime, name);
        if (begun is null)
        {
            Activity.Current = current;
        }

        return begun;
    }
}
