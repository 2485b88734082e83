namespace Polyphony.Cli.Questions;

/// <summary>Asks on the terminal: on stderr, because stdout is for results.</summary>
internal sealed class TerminalLines : ILines
{
    private Task<string?>? _reading;

    /// <summary>Gets the terminal, or <see langword="null"/> if nobody can be asked: stdin or stderr is none.</summary>
    public static ILines? Find() => Console.IsInputRedirected || Console.IsErrorRedirected ? null : new TerminalLines();

    public void Write(string text) => Console.Error.Write(text);

    public void WriteLine(string text) => Console.Error.WriteLine(text);

    public async Task<string?> ReadLineAsync(CancellationToken cancellationToken)
    {
        // Reading cannot be called off. A line that nobody waits for any more goes to the next who asks.
        _reading ??= Task.Factory.StartNew(Console.In.ReadLine, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        var line = await _reading.WaitAsync(cancellationToken);
        _reading = null;
        return line;
    }
}
