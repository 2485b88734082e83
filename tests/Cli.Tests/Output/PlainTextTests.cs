using System.Text.Json;
using Polyphony.Cli.Output;

namespace Polyphony.Cli.Tests.Output;

[Trait("Row", "H10")]
public sealed class PlainTextTests
{
    [Theory]
    [InlineData("plain text, Grüße, 日本語, 👩‍👩‍👧", "plain text, Grüße, 日本語, 👩‍👩‍👧")]
    [InlineData("a\u001b[31mred\u0007", "a\\u001b[31mred\\u0007")]
    [InlineData("a\u009b31m\u007f", "a\\u009b31m\\u007f")]
    [InlineData("\u202etxt.exe\u2066\u2069\u200f\u061c", "\\u202etxt.exe\\u2066\\u2069\\u200f\\u061c")]
    [InlineData("one\ntwo\r\nthree\tx", "one\ntwo\r\nthree\tx")]
    [InlineData("100%\rdone", "100%\\rdone")]
    [InlineData("a\u2028b\u2029c\0", "a\\u2028b\\u2029c\\u0000")]
    public void Of_Text_KeepsLettersAndLinesAndNothingElse(string text, string shown) => Assert.Equal(shown, PlainText.Of(text));

    [Fact]
    public void Line_TextOfSeveralLines_IsOne() => Assert.Equal("one\\ntwo\\tx\\r\\n", PlainText.Line("one\ntwo\tx\r\n"));

    [Fact]
    public void Of_Json_MeansTheSame()
    {
        var json = JsonText.Of(JsonElement.Parse("""{"a":"\u001b[31m \u202e \u0085 \u2028 end"}"""));

        var shown = PlainText.Of(json);

        Assert.DoesNotContain(shown, character => character is '\u202e' or '\u2028' or '\u0085' or '\u001b');
        Assert.Equal("\u001b[31m \u202e \u0085 \u2028 end", JsonElement.Parse(shown).GetProperty("a").GetString());
    }

    [Fact]
    public async Task Writer_EveryWayOfWriting_IsGuarded()
    {
        await using var inner = new StringWriter { NewLine = "\n" };
        await using var writer = new PlainTextWriter(inner);
        writer.Write('\u001b');
        writer.Write("\u001b");
        writer.Write("\u001b".ToCharArray());
        writer.Write("\u001b".AsSpan());
        writer.Write("{0}", "\u001b");
        writer.WriteLine("\u001b");
        await writer.WriteAsync("\u001b");
        await writer.WriteAsync('\u001b');
        await writer.WriteAsync("\u001b".AsMemory(), TestContext.Current.CancellationToken);
        await writer.WriteLineAsync("\u001b");
        await writer.WriteLineAsync("\u001b".AsMemory(), TestContext.Current.CancellationToken);

        Assert.Equal(11, inner.ToString().Split("\\u001b").Length - 1);
        Assert.False(inner.ToString().Contains('\u001b', StringComparison.Ordinal));
    }
}
