using System.Diagnostics;
using System.Diagnostics.Metrics;
using Polyphony.Activities.Providers;
using Polyphony.Core.Runs;
using Polyphony.Core.Telemetry;

namespace Polyphony.Activities.Telemetry;

/// <summary>What is counted of model calls and tool calls. Attributes are names from workflows and settings, never ids of instances.</summary>
internal static class CallMetrics
{
    // The bounds that the semantic conventions ask for.
    private static readonly InstrumentAdvice<double> Seconds = new() { HistogramBucketBoundaries = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92] };

    private static readonly InstrumentAdvice<long> Tokens = new()
    {
        HistogramBucketBoundaries = [1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864],
    };

    private static readonly Histogram<double> OperationDuration =
        PolyphonyTelemetry.Meter.CreateHistogram("gen_ai.client.operation.duration", "s", "How long a model call took.", tags: null, Seconds);

    private static readonly Histogram<long> TokenUsage =
        PolyphonyTelemetry.Meter.CreateHistogram("gen_ai.client.token.usage", "{token}", "The tokens of a model call's request and answer.", tags: null, Tokens);

    private static readonly Histogram<double> ToolDuration =
        PolyphonyTelemetry.Meter.CreateHistogram("gen_ai.execute_tool.duration", "s", "How long a tool call took.", tags: null, Seconds);

    private static readonly Counter<double> Cost = PolyphonyTelemetry.Meter.CreateCounter<double>("polyphony.model.cost", "{USD}", "What answered model calls cost, by the price table.");

    private static readonly Counter<long> Reused =
        PolyphonyTelemetry.Meter.CreateCounter<long>("polyphony.model.reused", "{call}", "Model calls that were answered from the ledger, without asking the model.");

    private static readonly Counter<long> Throttled =
        PolyphonyTelemetry.Meter.CreateCounter<long>("polyphony.model.throttled", "{call}", "How often a model call had to wait for a limit of its deployment.");

    private static readonly Counter<long> Retries = PolyphonyTelemetry.Meter.CreateCounter<long>("polyphony.call.retries", "{attempt}", "Attempts after the first.");

    /// <summary>Gets a value indicating whether anybody wants to know of model calls.</summary>
    public static bool HasListeners => OperationDuration.Enabled || TokenUsage.Enabled || Cost.Enabled;

    /// <summary>Gets a value indicating whether anybody wants to know how long tool calls take.</summary>
    public static bool WantsTools => ToolDuration.Enabled;

    /// <summary>Notes an answer from the ledger.</summary>
    public static void NoteReused(AgentCall call) => Reused.Add(1, new KeyValuePair<string, object?>(SpanNames.Agent, call.Agent));

    /// <summary>Notes a call that has to wait.</summary>
    public static void NoteThrottled(ResolvedModel model, CallWait wait) => Throttled.Add(
        1, new(SpanNames.Provider, ProviderNames.Of(model.Definition.Provider)), new(SpanNames.RequestModel, model.Definition.Model ?? model.Definition.Name), new(SpanNames.WaitReason, wait.Reason));

    /// <summary>Notes an attempt of a call.</summary>
    public static void NoteAttempt(int attempt, string kind, string nameKey, string name)
    {
        if (attempt > 1)
        {
            Retries.Add(1, new(SpanNames.Kind, kind), new(nameKey, name));
        }
    }

    /// <summary>Notes the end of a model call.</summary>
    /// <param name="seconds">How long it took.</param>
    /// <param name="tags">What it was.</param>
    public static void NoteChat(double seconds, in TagList tags) => OperationDuration.Record(seconds, tags);

    /// <summary>Notes what an answer has used.</summary>
    public static void NoteUsage(long input, long output, decimal? cost, in TagList tags)
    {
        var typed = tags;
        typed.Add(SpanNames.TokenType, "input");
        TokenUsage.Record(input, typed);
        typed = tags;
        typed.Add(SpanNames.TokenType, "output");
        TokenUsage.Record(output, typed);
        if (cost is { } known)
        {
            Cost.Add((double)known, tags);
        }
    }

    /// <summary>Notes the end of a tool call.</summary>
    public static void NoteTool(double seconds, in TagList tags) => ToolDuration.Record(seconds, tags);
}
