using System.Globalization;
using Polyphony.Core.Client;
using Polyphony.Core.Runs;

namespace Polyphony.Cli.Output;

/// <summary>Words for what happened to a run.</summary>
internal static class TimelineText
{
    private const int MaxName = 24;

    /// <summary>Writes the steps, one on a line: when, counted from the start; where; and what.</summary>
    /// <param name="steps">The steps.</param>
    /// <returns>The lines.</returns>
    public static IEnumerable<string> Lines(IReadOnlyList<RunStep> steps)
    {
        if (steps.Count == 0)
        {
            return [];
        }

        var start = steps[0].Time;
        var names = steps.Select(step => PlainText.Line(step.Activation ?? "")).ToList();
        var width = Math.Min(MaxName, names.Max(name => name.Length));
        return steps.Select((step, i) => $"{Elapsed(step.Time - start),9}  {names[i].PadRight(width)}  {PlainText.Line(What(step))}".TrimEnd());
    }

    private static string What(RunStep step) => step.Kind switch
    {
        RunStepKinds.ModelCall => $"{step.Agent}{Attempt(step)}: {Call(step)}",
        RunStepKinds.Throttled => $"{step.Agent} waits until {step.Until:u} ({step.Reason}){Named(": ", step.Message)}",
        RunStepKinds.ToolCall => $"tool {step.Tool}{Attempt(step)}{Named(", asked for by ", step.Agent)}: {(step.Code is null ? $"returned{After(step)}" : Failed(step))}",
        RunStepKinds.ToolQuestion => $"tool {step.Tool}: a person is asked",
        RunStepKinds.Published => $"published a message to {step.Name}",
        RunStepKinds.ChildStarted => $"{Child(step)} started",
        RunStepKinds.ChildEnded => $"{Child(step)}: {ChildEnd(step)}",
        RunStepKinds.ActivityFailed => $"activity {step.Name} {Failed(step)}",
        _ => OfRun(step),
    };

    private static string OfRun(RunStep step) => step.Kind switch
    {
        RunStepKinds.Started => $"started{Named(" ", step.Workflow)} at {step.Time.UtcDateTime:yyyy-MM-dd HH:mm:ss}Z{(step.Until is { } until ? $", to begin at {until:u}" : "")}",
        RunStepKinds.EventReceived => $"event {step.Name}",
        RunStepKinds.Ended => $"ended: {step.StopReason ?? "completed"}{Use(step.Usage)}{Error(step)}",

        // The words are those of the kinds: answered, suspended, resumed, rewound, terminated.
        _ => $"{step.Kind}{Named(": ", step.Reason)}{Error(step)}",
    };

    private static string ChildEnd(RunStep step) => step.Code is not null && step.StopReason is null ? Failed(step) : $"{step.StopReason ?? "ended"}{After(step)}{Use(step.Usage)}{Error(step)}";

    private static string Call(RunStep step) =>
        step.Code is not null ? Failed(step)
        : step.IsReused ? "answer from the ledger"
        : step.Tools is { Count: > 0 } tools ? $"asked for {string.Join(", ", tools)}{After(step)}{Use(step.Usage)}"
        : $"answered by {step.Model}{After(step)}{Use(step.Usage)}";

    private static string Child(RunStep step) => $"{(step.Workflow is null ? "child" : $"workflow {step.Workflow}")} {step.InstanceId}";

    private static string Failed(RunStep step) => $"failed{After(step)}{Error(step)}";

    private static string Error(RunStep step) => step.Code is null ? "" : $": {step.Message}{(step.Message is null ? "" : " ")}[{step.Code}]";

    private static string After(RunStep step) => step.Seconds is { } seconds ? $" after {NodeText.Seconds(TimeSpan.FromSeconds(seconds))} s" : "";

    private static string Use(Usage? usage) => usage is not { ModelCalls: > 0 } ? ""
        : string.Create(CultureInfo.InvariantCulture, $", {(usage.ModelCalls == 1 ? "" : $"{usage.ModelCalls} model calls, ")}{(usage.EstimatedCalls > 0 ? "~" : "")}{usage.Tokens:N0} tokens, {NodeText.Cost(usage.CostUsd, usage.UnpricedCalls)}");

    private static string Attempt(RunStep step) => step.Attempt > 1 ? $" (attempt {step.Attempt})" : "";

    private static string Named(string before, string? name) => string.IsNullOrEmpty(name) ? "" : before + name;

    private static string Elapsed(TimeSpan time) => time < TimeSpan.FromHours(1)
        ? string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalMinutes}:{time.Seconds:00}.{time.Milliseconds / 100}")
        : string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalHours}:{time.Minutes:00}:{time.Seconds:00}");
}
