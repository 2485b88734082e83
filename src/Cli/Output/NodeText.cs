using System.Globalization;
using Polyphony.Core.Runs;

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

    /// <summary>Gets the tokens of a node; with a "~" when some are estimated.</summary>
    public static string Tokens(NodeProgress node) => node.EstimatedCalls > 0 ? $"~{Tokens(node.Tokens)}" : Tokens(node.Tokens);

    public static string Tokens(long tokens) => tokens == 0 ? "" : tokens.ToString("N0", CultureInfo.InvariantCulture);

    public static string Cost(NodeProgress node) => node.Tokens == 0 && node.UnpricedCalls == 0 ? "" : Cost(node.CostUsd, node.UnpricedCalls);

    /// <summary>Gets what is known of a cost.</summary>
    /// <param name="usd">What calls of known price cost.</param>
    /// <param name="unpricedCalls">How many calls have no known price.</param>
    public static string Cost(decimal usd, long unpricedCalls) =>
        unpricedCalls == 0 ? Dollars(usd)
        : usd == 0 ? "unknown"
        : $"{Dollars(usd)} + unknown";

    // What costs something is never shown as nothing.
    private static string Dollars(decimal usd) => usd is > 0 and < 0.0001m ? "<$0.0001" : usd.ToString("$0.0000", CultureInfo.InvariantCulture);

    public static string Seconds(NodeProgress node, DateTimeOffset now) => node.StartedTime is not { } started ? ""
        : Seconds((node.EndedTime ?? now) - started);

    public static string Seconds(TimeSpan time) => Math.Max(0, time.TotalSeconds).ToString("0.0", CultureInfo.InvariantCulture);

    public static string Model(NodeProgress node) => node.Provider switch
    {
        null => "",
        "offline" => OfflineModel,
        var provider => provider,
    };

    public static string Note(NodeProgress node) => PlainText.Line(node.WaitingUntil is { } until ? Waiting(node, until)
        : node.Error ?? (node.FinishReason == FinishReasons.Length ? "cut off at the token limit" : node.ReplacedCalls > 0 ? "half a character replaced" : ""));

    private static string Waiting(NodeProgress node, DateTimeOffset until) => string.Create(
        CultureInfo.InvariantCulture,
        $"until {until.UtcDateTime:yyyy-MM-dd HH:mm:ss}Z ({node.WaitReason}){(node.WaitMessage is null ? "" : $": {node.WaitMessage}")}");
}
