using System.Globalization;
using Polyphony.Core.Interpreter;

namespace Polyphony.Cli.Output;

/// <summary>Words for the progress of a node.</summary>
internal static class NodeText
{
    /// <summary>What is shown for answers that no model gave.</summary>
    public const string OfflineModel = "offline model";

    public static string Name(NodeProgress node) => node.Round > 1 ? $"{node.Node} #{node.Round}" : node.Node;

    public static string Status(NodeProgress node) => node.Status switch
    {
        "completed" => "done",
        var status => status,
    };

    public static string Items(NodeProgress node) => node.Items is not { } items ? ""
        : $"{node.ItemsDone ?? 0}/{items}{(node.ItemsFailed is > 0 and var failed ? $" ({failed} failed)" : "")}";

    public static string Attempts(NodeProgress node) => node.Attempts == 0 ? "" : node.Attempts.ToString(CultureInfo.InvariantCulture);

    public static string Tokens(long tokens) => tokens == 0 ? "" : tokens.ToString("N0", CultureInfo.InvariantCulture);

    public static string Cost(NodeProgress node) => node.Tokens == 0 ? "" : Cost(node.CostUsd);

    public static string Cost(decimal usd) => usd.ToString("$0.0000", CultureInfo.InvariantCulture);

    public static string Seconds(NodeProgress node, DateTimeOffset now) => node.StartedTime is not { } started ? ""
        : Seconds((node.EndedTime ?? now) - started);

    public static string Seconds(TimeSpan time) => Math.Max(0, time.TotalSeconds).ToString("0.0", CultureInfo.InvariantCulture);

    public static string Model(NodeProgress node) => node.Provider switch
    {
        null => "",
        "offline" => OfflineModel,
        var provider => provider,
    };

    public static string Note(NodeProgress node) => node.Error ?? "";
}
