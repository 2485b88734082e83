using System.Threading.Channels;
using Polyphony.Core.Runs;
using Polyphony.Http.Instances;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Polyphony.Cli.Output;

/// <summary>Progress on a terminal: a table that is drawn again whenever something changes, and a few times a second for the clock.</summary>
internal sealed class TableView : IProgressView
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(250);
    private readonly Channel<Action> _changes = Channel.CreateUnbounded<Action>(new UnboundedChannelOptions { SingleReader = true });
    private readonly List<string> _said = [];
    private readonly TextWriter _output;
    private readonly int? _width;
    private CancellationTokenSource _pause = new();
    private Task _drawing;
    private InstanceStatus? _status;

    public TableView(TextWriter output, int? width = null)
    {
        (_output, _width) = (output, width);
        _drawing = StartAsync();
    }

    public void Show(InstanceStatus status) => _changes.Writer.TryWrite(() => _status = status);

    public void Say(string text) => _changes.Writer.TryWrite(() => _said.Add(text));

    public async ValueTask DisposeAsync()
    {
        _changes.Writer.TryComplete();
        await _drawing;
        _pause.Dispose();
    }

    public async Task PauseAsync()
    {
        await _pause.CancelAsync();
        await _drawing;

        // It stays on the screen above.
        _said.Clear();
    }

    public void Resume()
    {
        _pause.Dispose();
        _pause = new CancellationTokenSource();
        _drawing = StartAsync();
    }

    private Task StartAsync()
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(_output) });
        console.Profile.Width = _width ?? console.Profile.Width;
        return console.Live(new Text("starting …")).Overflow(VerticalOverflow.Ellipsis).StartAsync(DrawAsync);
    }

    private async Task DrawAsync(LiveDisplayContext context)
    {
        var pause = _pause.Token;
        var open = true;
        while (open && !pause.IsCancellationRequested)
        {
            using var tick = CancellationTokenSource.CreateLinkedTokenSource(pause);
            tick.CancelAfter(Tick);
            try
            {
                open = await _changes.Reader.WaitToReadAsync(tick.Token);
            }
            catch (OperationCanceledException)
            {
                // Only the clock has moved, or somebody else takes the terminal.
            }

            while (_changes.Reader.TryRead(out var change))
            {
                change();
            }

            context.UpdateTarget(Draw());
        }
    }

    private Rows Draw()
    {
        // Never empty: an empty list of rows cannot be drawn.
        List<IRenderable> rows =
        [
            _status is { CustomStatus: { } progress } status
                ? DrawNodes(progress, status.CompletedTime ?? TimeProvider.System.GetUtcNow())
                : new Text("starting …"),
        ];

        rows.AddRange(_said.Select(text => new Text(PlainText.Of(text))));
        return new Rows(rows);
    }

    private static Table DrawNodes(WorkflowProgress progress, DateTimeOffset now)
    {
        var table = new Table().Border(TableBorder.Simple);
        table.AddColumns("node", "status");
        foreach (var name in (ReadOnlySpan<string>)["items", "attempts", "tokens", "cost", "seconds"])
        {
            table.AddColumn(new TableColumn(name).RightAligned());
        }

        table.AddColumns("model", "");
        foreach (var node in progress.Nodes)
        {
            table.AddRow(
                new Text(PlainText.Line(NodeText.Name(node))),
                new Text(PlainText.Line(NodeText.Status(node)), new Style(Color(node.Status))),
                new Text(NodeText.Items(node)),
                new Text(NodeText.Attempts(node)),
                new Text(NodeText.Tokens(node)),
                new Text(NodeText.Cost(node)),
                new Text(NodeText.Seconds(node, now)),
                new Text(PlainText.Line(NodeText.Model(node))),
                new Text(NodeText.Note(node), new Style(Spectre.Console.Color.Red)));
        }

        return table;
    }

    private static Color Color(string status) => status switch
    {
        "completed" => Spectre.Console.Color.Green,
        "running" => Spectre.Console.Color.Blue,
        "retrying" or "waiting" => Spectre.Console.Color.Yellow,
        "failed" => Spectre.Console.Color.Red,
        _ => Spectre.Console.Color.Grey,
    };
}
