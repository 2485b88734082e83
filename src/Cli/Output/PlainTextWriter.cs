using System.Text;

namespace Polyphony.Cli.Output;

/// <summary>Lets <see cref="PlainText"/> alone through to stdout or stderr, whoever writes and whatever the text comes from.</summary>
/// <param name="inner">Where it goes. Every text is written at once, so that a character is seen with the one after it.</param>
internal sealed class PlainTextWriter(TextWriter inner) : TextWriter
{
    public override Encoding Encoding => inner.Encoding;

    public override void Write(char value) => inner.Write(PlainText.Of(value.ToString()));

    public override void Write(char[] buffer, int index, int count) => inner.Write(PlainText.Of(new string(buffer, index, count)));

    public override void Write(ReadOnlySpan<char> buffer) => inner.Write(PlainText.Of(buffer.ToString()));

    public override void Write(string? value) => inner.Write(value is null ? null : PlainText.Of(value));

    public override void WriteLine() => inner.WriteLine();

    public override void WriteLine(string? value) => inner.WriteLine(value is null ? null : PlainText.Of(value));

    public override Task WriteAsync(string? value) => inner.WriteAsync(value is null ? null : PlainText.Of(value));

    public override Task WriteLineAsync(string? value) => inner.WriteLineAsync(value is null ? null : PlainText.Of(value));

    public override Task WriteLineAsync() => inner.WriteLineAsync();

    public override void Flush() => inner.Flush();

    public override Task FlushAsync() => inner.FlushAsync();
}
