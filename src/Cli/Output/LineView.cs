using Polyphony.Http.Instances;

namespace Polyphony.Cli.Output;

/// <summary>Progress where there is no terminal: a line whenever a node's status changes, and for each tenth of its items that has ended, at most once a second.</summary>
/// <param name="output">Where lines go.</param>
/// <param name="clock">The clock.</param>
internal sealed class LineView(TextWriter output, TimeProvider clock) : IProgressView
{
    private const int NameWidth = 16;
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(1);
    private readonly Dictionary<string, (int Round, string Status, DateTimeOffset? Until, int Tenth, long Time)> _shown = new(StringComparer.Ordinal);

    public void Show(InstanceStatus status)
    {
        foreach (var node in status.CustomStatus?.Nodes ?? [])
        {
            var tenth = node is { Items: > 0, ItemsDone: { } done } ? (int)(10L * done / node.Items.Value) : 0;
            if (node.Status == "pending" || (_shown.TryGetValue(node.Node, out var last) && IsShown(last)))
            {
                continue;
            }

            _shown[node.Node] = (node.Round, node.Status, node.WaitingUntil, tenth, clock.GetTimestamp());
            string[] parts =
            [
                NodeText.Items(node) is { Length: > 0 } items ? $"{items} items" : "",
                node.Attempts > 1 ? $"{node.Attempts} attempts" : "",
                node.Tokens > 0 ? $"{NodeText.Tokens(node)} tokens" : "",
                NodeText.Cost(node),
                node is { StartedTime: not null, EndedTime: not null } ? $"{NodeText.Seconds(node, node.EndedTime.Value)} s" : "",
                NodeText.Model(node),
                NodeText.Note(node),
            ];
            output.WriteLine($"{NodeText.Name(node),-NameWidth} {NodeText.Status(node),-9} {string.Join("  ", parts.Where(part => part.Length > 0))}".TrimEnd());

            bool IsShown((int Round, string Status, DateTimeOffset? Until, int Tenth, long Time) line) =>
                (line.Round, line.Status, line.Until) == (node.Round, node.Status, node.WaitingUntil) && (line.Tenth == tenth || clock.GetElapsedTime(line.Time) < Between);
        }
    }

    public void Say(string text) => output.WriteLine(text);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
