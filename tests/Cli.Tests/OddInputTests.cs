using System.Text;
using Polyphony.Cli.Inputs;

namespace Polyphony.Cli.Tests;

/// <summary>Text that is not what it should be: refused with what and where, never changed.</summary>
[Trait("Row", "H10")]
[Trait("Row", "T4")]
public sealed class OddInputTests : IDisposable
{
    private readonly DataFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string, byte[], string> Files => new()
    {
        { "latin", [.. "{\"t\":\"caf"u8, 0xE9, .. "\"}"u8], "it is not UTF-8: byte 0xE9 at offset 9" },
        { "utf16", [.. Encoding.Unicode.GetPreamble(), .. Encoding.Unicode.GetBytes("{\"t\":\"x\"}")], "it is UTF-16, not UTF-8" },
        { "half", [.. """{"t":"cut \ud83d"}"""u8], "one half of a surrogate pair" },
        { "twice", [.. """{"t":"a","t":"b"}"""u8], "Duplicate" },
        { "zero", [.. "{\"t\":\"\0\"}"u8], "line 1" },
        { "deep", Encoding.ASCII.GetBytes(new string('[', 65) + new string(']', 65)), "deeper than 64" },
    };

    [Theory]
    [MemberData(nameof(Files))]
    public async Task Run_InputFileThatIsNotJsonInUtf8_EndsWith2(string name, byte[] content, string says)
    {
        var file = Path.Combine(_folder.Data, $"{name}.json");
        Directory.CreateDirectory(_folder.Data);
        await File.WriteAllBytesAsync(file, content, TestContext.Current.CancellationToken);

        var (code, output, error) = await ToolProcess.RunAsync(_folder.Data, ["run", "samples/hello.yaml", "--input", file]);

        Assert.Equal((2, ""), (code, output));
        Assert.Contains(says, error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""free=["\ud83d"]""", "one half of a surrogate pair")]
    [InlineData("""free={"a":1,"a":2}""", "Duplicate")]
    [InlineData("""list=["\ude00"]""", "one half of a surrogate pair")]
    public void Read_ArgumentThatIsJsonButNotTaken_IsRefused(string argument, string says)
    {
        using var document = System.Text.Json.JsonDocument.Parse("""{"type":"object","properties":{"list":{"type":"array"},"free":{}}}""");
        Assert.True(Expressions.Schemas.JsonSchema.TryParse(document.RootElement, out var schema, out _));

        var refused = Assert.Throws<CliException>(() => InputArguments.Read([argument], null, schema, "input"));

        Assert.Equal(2, refused.ExitCode);
        Assert.Contains(says, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Problems_ArgumentInLatin1_IsNamedWithItsPlace()
    {
        byte[] commandLine = [.. "dotnet\0polyphony.dll\0run\0x.yaml\0t=caf"u8, 0xE9, .. "\0u=é"u8];

        var problem = Assert.Single(ArgumentBytes.Problems(commandLine, 4));

        Assert.Contains("byte 0xE9 at offset 5", problem, StringComparison.Ordinal);
        Assert.Empty(ArgumentBytes.Problems("run\0t=caf\uFFFD"u8.ToArray(), 2));
    }
}
