using System.Text.Json;
using Polyphony.Cli.Inputs;
using Polyphony.Expressions.Schemas;

namespace Polyphony.Cli.Tests;

/// <summary>Files given on the command line as <c>key@=FILE</c>.</summary>
[Trait("Row", "H10")]
[Trait("Row", "O16")]
public sealed class AttachedFileTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("polyphony-files-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void Read_Files_AreValuesOrElementsOfAnArray()
    {
        var input = Read(["photo@=" + Write("cat.PNG"), "pages@=" + Write("a.pdf"), "pages@=" + Write("b.jpeg"), "t=x@y"]);

        Assert.Equal(
            """{"photo":{"mediaType":"image/png","data":"Y2F0","name":"cat.PNG"},"pages":[{"mediaType":"application/pdf","data":"Y2F0","name":"a.pdf"},{"mediaType":"image/jpeg","data":"Y2F0","name":"b.jpeg"}],"t":"x@y"}""",
            input.GetRawText());
    }

    [Fact]
    public void Read_FilesThatAreNone_AreAllNamed()
    {
        var refused = Assert.Throws<CliException>(() => Read(["photo@=" + Path.Combine(_folder.FullName, "none.png"), "pages@=" + Write("a.txt"), "foto@=" + Write("c.png")]));

        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("none.png\" of \"photo\" cannot be read: ", refused.Message, StringComparison.Ordinal);
        Assert.Contains("a.txt\" is no file that models take. Known by their names: .png, .jpg, .jpeg, .webp, .gif, .pdf, .wav, .mp3.", refused.Message, StringComparison.Ordinal);
        Assert.Contains("Unknown key \"foto\"; known are photo, pages, t.", refused.Message, StringComparison.Ordinal);
    }

    private static JsonElement Read(string[] arguments)
    {
        var json = JsonElement.Parse("""{"type":"object","properties":{"photo":{},"pages":{"type":"array"},"t":{"type":"string"}}}""");
        Assert.True(JsonSchema.TryParse(json, out var schema, out _));
        return InputArguments.Read(arguments, null, schema, "input");
    }

    private string Write(string name)
    {
        var path = Path.Combine(_folder.FullName, name);
        File.WriteAllText(path, "cat");
        return path;
    }
}
