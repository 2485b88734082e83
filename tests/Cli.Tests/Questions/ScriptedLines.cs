using System.Text;
using Polyphony.Cli.Questions;

namespace Polyphony.Cli.Tests.Questions;

/// <summary>A person who has written down what to enter, and keeps what is shown. After the last line the input ends.</summary>
internal sealed class ScriptedLines(params string[] entered) : ILines
{
    private readonly Queue<string> _entered = new(entered);
    private readonly StringBuilder _shown = new();

    public string Shown => _shown.ToString();

    public int Left => _entered.Count;

    public void Write(string text) => _shown.Append(text);

    public void WriteLine(string text) => _shown.Append(text).Append('\n');

    public Task<string?> ReadLineAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(_entered.TryDequeue(out var line) ? line : null);
    }
}
