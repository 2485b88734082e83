using Polyphony.Http.Instances;

namespace Polyphony.Cli.Output;

/// <summary>Shows how far a run is. Disposing it leaves the last state on the screen.</summary>
internal interface IProgressView : IAsyncDisposable
{
    /// <summary>Shows a status.</summary>
    void Show(InstanceStatus status);

    /// <summary>Says something beside it.</summary>
    void Say(string text);

    /// <summary>Leaves the terminal to somebody else, with the last state on it, until <see cref="Resume"/>.</summary>
    Task PauseAsync() => Task.CompletedTask;

    /// <summary>Goes on showing.</summary>
    void Resume()
    {
    }

    /// <summary>Chooses a view: a live table on a terminal, lines elsewhere, nothing where only JSON is wanted. All on stderr.</summary>
    static IProgressView Create(bool silent) =>
        silent ? new SilentView() : Console.IsErrorRedirected ? new LineView(Console.Error, TimeProvider.System) : new TableView(Terminal.Drawing);
}
