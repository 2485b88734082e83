using System.Globalization;
using System.Text.Json;
using Polyphony.Core.Runs;
using Polyphony.Http.Instances;
using Polyphony.Http.Serialization;

namespace Polyphony.Cli.Output;

/// <summary>Prints how a run ended: the output on stdout, what is to be said about it on stderr.</summary>
internal static class ResultText
{
    private const int MostNamed = 5;

    public static async Task PrintAsync(InstanceStatus status, bool json)
    {
        if (json)
        {
            await Console.Out.WriteLineAsync(JsonText.Of(status, HttpJsonContext.Default.InstanceStatus));
            return;
        }

        if (status.Output is { ValueKind: not JsonValueKind.Null } output)
        {
            await Console.Out.WriteLineAsync(output.ValueKind == JsonValueKind.String ? output.GetString()!.TrimEnd() : JsonText.Of(output));
        }

        await Console.Error.WriteLineAsync(Summary(status));
    }

    /// <summary>Says in a few lines how it ended.</summary>
    public static string Summary(InstanceStatus status)
    {
        var time = NodeText.Seconds((status.CompletedTime ?? status.LastUpdatedTime) - status.CreatedTime);
        var usage = status.Usage;
        var calls = string.Create(CultureInfo.InvariantCulture, $"{usage.ModelCalls} model {(usage.ModelCalls == 1 ? "call" : "calls")}, {(usage.EstimatedCalls > 0 ? "~" : "")}{usage.Tokens:N0} tokens, {NodeText.Cost(usage.CostUsd, usage.UnpricedCalls)}");
        if (usage.Unsettled > 0)
        {
            calls += $"; {usage.Unsettled} more begun and not answered, which the provider may charge";
        }

        var end = status.StopReason switch
        {
            StopReason.Completed => "Completed",
            StopReason.Failed => "Failed",
            { } reason => $"Ended early ({Name(reason)})",
            null => $"Is {status.RuntimeStatus}",
        };
        List<string> lines = [$"{end} after {time} s: {calls}. Instance {status.InstanceId}."];
        if (status.Error is { } error)
        {
            lines.Add(PlainText.Line($"{(error.Activation is null ? "" : $"{error.Activation}: ")}{error.Message} [{error.Code}]"));
        }

        lines.AddRange(Warnings(status));
        if (IsOffline(status))
        {
            lines.Add($"The answers come from the {NodeText.OfflineModel}: taken from the input, not written by a model.");
        }

        return string.Join(Environment.NewLine, lines);
    }

    /// <summary>Says what is not as it looks: answers that were cut off, numbers that are not known.</summary>
    private static IEnumerable<string> Warnings(InstanceStatus status)
    {
        if (status.Usage.CutOffCalls > 0)
        {
            var where = Where(status, usage => usage.CutOffCalls, node => node.FinishReason == FinishReasons.Length);
            yield return $"Warning: {(status.Usage.CutOffCalls == 1 ? $"an answer{where} was" : $"{status.Usage.CutOffCalls} answers{where} were")} cut off at the token limit (finish reason length). Raise maxOutputTokens of the model, or set onTruncation: fail.";
        }

        if (status.Usage.ReplacedCalls > 0)
        {
            var where = Where(status, usage => usage.ReplacedCalls, node => node.ReplacedCalls > 0);
            yield return $"Warning: {(status.Usage.ReplacedCalls == 1 ? $"an answer{where} has" : $"{status.Usage.ReplacedCalls} answers{where} have")} \uFFFD where the provider sent half a character.";
        }

        if (status.Usage.EstimatedCalls > 0)
        {
            yield return $"Warning: tokens are estimated for {Calls(status.Usage.EstimatedCalls)}, because the provider did not count them.";
        }

        if (status.Usage.UnpricedCalls > 0)
        {
            yield return $"Warning: the cost of {Calls(status.Usage.UnpricedCalls)} is unknown. Add the price of the model to \"prices\" in the host's settings.";
        }

        static string Calls(int count) => count == 1 ? "1 model call" : string.Create(CultureInfo.InvariantCulture, $"{count:N0} model calls");
    }

    private static string Where(InstanceStatus status, Func<Usage, int> count, Func<NodeProgress, bool> isMarked)
    {
        var names = (status.Outcomes is { } outcomes
            ? outcomes.Where(outcome => count(outcome.Usage) > 0).Select(outcome => outcome.Activation)
            : status.CustomStatus?.Nodes.Where(isMarked).Select(node => node.Node) ?? []).ToList();
        return names.Count == 0 ? "" : $" of {string.Join(", ", names.Take(MostNamed))}{(names.Count > MostNamed ? $" and {names.Count - MostNamed} more" : "")}";
    }

    public static bool IsOffline(InstanceStatus status) =>
        status.CustomStatus?.Nodes.Any(node => node.Provider == "offline") == true || status.Outcomes?.Any(outcome => outcome.Provider == "offline") == true;

    /// <summary>Gets a stop reason as the API writes it, such as <c>max_rounds</c>.</summary>
    public static string Name(StopReason reason) => JsonSerializer.SerializeToElement(reason, HttpJsonContext.Default.StopReason).GetString()!;
}
