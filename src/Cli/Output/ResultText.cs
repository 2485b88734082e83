using System.Globalization;
using System.Text.Json;
using Polyphony.Core.Interpreter;
using Polyphony.Http.Instances;
using Polyphony.Http.Serialization;

namespace Polyphony.Cli.Output;

/// <summary>Prints how a run ended: the output on stdout, what is to be said about it on stderr.</summary>
internal static class ResultText
{
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
        var calls = string.Create(CultureInfo.InvariantCulture, $"{usage.Turns} model {(usage.Turns == 1 ? "call" : "calls")}, {usage.Tokens:N0} tokens, {NodeText.Cost(usage.CostUsd)}");
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
            lines.Add($"{(error.Activation is null ? "" : $"{error.Activation}: ")}{error.Message} [{error.Code}]");
        }

        if (IsOffline(status))
        {
            lines.Add($"The answers come from the {NodeText.OfflineModel}: taken from the input, not written by a model.");
        }

        return string.Join(Environment.NewLine, lines);
    }

    public static bool IsOffline(InstanceStatus status) =>
        status.CustomStatus?.Nodes.Any(node => node.Provider == "offline") == true || status.Outcomes?.Any(outcome => outcome.Provider == "offline") == true;

    /// <summary>Gets a stop reason as the API writes it, such as <c>max_rounds</c>.</summary>
    public static string Name(StopReason reason) => JsonSerializer.SerializeToElement(reason, HttpJsonContext.Default.StopReason).GetString()!;
}
