using System.Diagnostics;
using Polyphony.Core.Runs;
using Polyphony.Core.Telemetry;

namespace Polyphony.Activities.Telemetry;

/// <summary>One call of a tool's function, as spans and metrics show it.</summary>
internal sealed class ToolOperation : IDisposable
{
    private readonly TimeProvider _timeProvider;
    private readonly long _begun;
    private readonly Activity? _span;
    private TagList _tags;

    private ToolOperation(ToolCall call, string workflow, TimeProvider timeProvider)
    {
        _timeProvider = timeProvider;
        _begun = timeProvider.GetTimestamp();
        _tags = new TagList { { SpanNames.Operation, SpanNames.ExecuteTool }, { SpanNames.Tool, call.Tool } };
        _span = RunTrace.Begin($"{SpanNames.ExecuteTool} {call.Tool}", ActivityKind.Internal, call.Scope.Trace, [.. _tags, new(SpanNames.Workflow, workflow)]);
        if (_span is { IsAllDataRequested: true })
        {
            _span.AddRun(call.Scope)
                .SetTag(SpanNames.ToolType, "function")
                .SetTag(SpanNames.ToolCallId, call.CallId)
                .SetTag(SpanNames.Agent, call.Agent)
                .SetTag(SpanNames.Attempt, call.Attempt);
        }
    }

    /// <summary>Begins it.</summary>
    /// <param name="call">The call.</param>
    /// <param name="workflow">The workflow.</param>
    /// <param name="timeProvider">The clock.</param>
    /// <returns>The operation; <see langword="null"/> if nobody listens.</returns>
    public static ToolOperation? Begin(ToolCall call, string workflow, TimeProvider timeProvider) =>
        PolyphonyTelemetry.Source.HasListeners() || CallMetrics.WantsTools ? new ToolOperation(call, workflow, timeProvider) : null;

    /// <summary>Notes that the call has failed.</summary>
    /// <param name="code">The code.</param>
    public void Fail(string code)
    {
        _tags.Add(SpanNames.ErrorType, code);
        _span?.Fail(code);
    }

    /// <summary>Ends it.</summary>
    public void Dispose()
    {
        CallMetrics.NoteTool(_timeProvider.GetElapsedTime(_begun).TotalSeconds, _tags);
        _span?.Dispose();
    }
}
