using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Polyphony.Activities.Tools;

namespace Polyphony.Activities.Tests.Tools;

[Trait("Row", "O12")]
public sealed class FileToolsTests : IDisposable
{
    private readonly string _top = Directory.CreateTempSubdirectory("polyphony-files-").FullName;
    private readonly string _root;
    private readonly ToolRegistry _tools;

    public FileToolsTests()
    {
        _root = Path.Combine(_top, "root");
        Directory.CreateDirectory(Path.Combine(_root, "docs", "deep"));
        Directory.CreateDirectory(Path.Combine(_top, "root-twin"));
        File.WriteAllText(Path.Combine(_top, "secret.md"), "# Secret");
        File.WriteAllText(Path.Combine(_top, "root-twin", "secret.md"), "# Secret");
        File.WriteAllText(Path.Combine(_root, "docs", "b.md"), "Text.\n\n# Title of b\n\nMore.");
        File.WriteAllText(Path.Combine(_root, "docs", "deep", "a.md"), "No heading.");
        File.WriteAllText(Path.Combine(_root, "docs", "c.txt"), "c");
        _tools = new FileTools(_root).Register(new ToolRegistry());
    }

    public void Dispose() => Directory.Delete(_top, recursive: true);

    [Fact]
    public async Task ListFiles_Pattern_GivesSortedRelativePaths()
    {
        Assert.Equal("""["docs/b.md","docs/deep/a.md"]""", await CallAsync("list_files", new() { ["folder"] = "docs", ["pattern"] = "*.md" }));
        Assert.Equal("""["docs/b.md","docs/c.txt","docs/deep/a.md"]""", await CallAsync("list_files", []));
    }

    [Fact]
    public async Task ReadFile_Text_HasPathTitleAndText()
    {
        Assert.Equal("""{"path":"docs/b.md","title":"Title of b","text":"Text.\n\n# Title of b\n\nMore."}""", await CallAsync("read_file", new() { ["path"] = "docs/b.md" }));
        Assert.Equal("""{"path":"docs/deep/a.md","title":"a.md","text":"No heading."}""", await CallAsync("read_file", new() { ["path"] = "docs/deep/a.md" }));
    }

    [Theory]
    [InlineData(".env")]
    [InlineData("docs/.hidden/x.md")]
    [InlineData("local.settings.json")]
    [InlineData("docs/LOCAL.settings.json")]
    [InlineData("host.log")]
    [InlineData("host.log.old")]
    [InlineData("data/polyphony.db")]
    [InlineData("data")]
    [InlineData("env-link.md")]
    public async Task Tools_WhatIsNotForAgents_IsNotThere(string path)
    {
        foreach (var file in (string[])[".env", "docs/.hidden/x.md", "local.settings.json", "docs/LOCAL.settings.json", "host.log", "host.log.old", "data/polyphony.db"])
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(_root, file))!);
            await File.WriteAllTextAsync(Path.Combine(_root, file), "secret", TestContext.Current.CancellationToken);
        }

        File.CreateSymbolicLink(Path.Combine(_root, "env-link.md"), Path.Combine(_root, ".env"));
        var tools = new FileTools(_root, Path.Combine(_root, "data")).Register(new ToolRegistry());

        await Assert.ThrowsAsync<ToolException>(async () => await CallAsync("read_file", new() { ["path"] = path }, tools));
        await Assert.ThrowsAsync<ToolException>(async () => await CallAsync("list_files", new() { ["folder"] = path }, tools));
        Assert.Equal("""["docs/b.md","docs/c.txt","docs/deep/a.md"]""", await CallAsync("list_files", [], tools));
    }

    [Fact]
    public async Task Tools_APipe_IsNeitherListedNorWaitedFor()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Pipes have no place among files there.");
        using (var make = System.Diagnostics.Process.Start("mkfifo", [Path.Combine(_root, "docs", "pipe.md")]))
        {
            await make.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        var refused = await Assert.ThrowsAsync<ToolException>(async () => await CallAsync("read_file", new() { ["path"] = "docs/pipe.md" }));

        Assert.Contains("no regular file", refused.Message, StringComparison.Ordinal);
        Assert.Equal("""["docs/b.md","docs/c.txt","docs/deep/a.md"]""", await CallAsync("list_files", []));
    }

    [Fact]
    public async Task Tools_WithoutARoot_SayHowOneIsNamed()
    {
        var tools = new FileTools(null).Register(new ToolRegistry());

        Assert.Contains("POLYPHONY_FILES", (await Assert.ThrowsAsync<ToolException>(async () => await CallAsync("read_file", new() { ["path"] = "a.md" }, tools))).Message, StringComparison.Ordinal);
        Assert.Contains("--files", (await Assert.ThrowsAsync<ToolException>(async () => await CallAsync("list_files", [], tools))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../secret.md")]
    [InlineData("docs/../../secret.md")]
    [InlineData("docs/..")]
    [InlineData("..\\secret.md")]
    [InlineData("docs\\..\\..\\secret.md")]
    [InlineData("/etc/passwd")]
    [InlineData("../root-twin/secret.md")]
    [InlineData("docs/b.md\0.txt")]
    [InlineData("file-link.md")]
    [InlineData("folder-link/secret.md")]
    [InlineData("chain-link.md")]
    [InlineData("loop-link.md")]
    public async Task ReadFile_OutsideTheRoot_IsRefused(string path)
    {
        Link();

        var exception = await Assert.ThrowsAsync<ToolException>(() => CallAsync("read_file", new() { ["path"] = path }));

        Assert.DoesNotContain("Secret", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("..")]
    [InlineData("folder-link")]
    [InlineData("/")]
    public async Task ListFiles_OutsideTheRoot_IsRefused(string folder)
    {
        Link();

        await Assert.ThrowsAsync<ToolException>(() => CallAsync("list_files", new() { ["folder"] = folder }));
    }

    [Fact]
    public async Task ListFiles_Links_AreLeftOut()
    {
        Link();

        Assert.Equal("""["docs/b.md","docs/deep/a.md"]""", await CallAsync("list_files", new() { ["pattern"] = "*.md" }));
    }

    [Fact]
    public async Task ReadFile_LinkInside_IsRead()
    {
        File.CreateSymbolicLink(Path.Combine(_root, "inside.md"), Path.Combine("docs", "b.md"));

        Assert.Contains("Title of b", await CallAsync("read_file", new() { ["path"] = "inside.md" }), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1024 * 1024, true)]
    [InlineData((1024 * 1024) + 1, false)]
    public async Task ReadFile_AtTheSizeLimit_IsReadUpToOneMegabyte(int size, bool isRead)
    {
        File.WriteAllText(Path.Combine(_root, "large.txt"), new string('a', size));
        var call = () => CallAsync("read_file", new() { ["path"] = "large.txt" });

        if (isRead)
        {
            await call();
        }
        else
        {
            Assert.Contains("1,048,576", (await Assert.ThrowsAsync<ToolException>(call)).Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(new byte[] { 0xff, 0xfe, 0x00 })]
    [InlineData(new byte[] { 0x41, 0x00, 0x42 })]
    public async Task ReadFile_NoText_IsRefused(byte[] content)
    {
        File.WriteAllBytes(Path.Combine(_root, "image.png"), content);

        Assert.Contains("not UTF-8", (await Assert.ThrowsAsync<ToolException>(() => CallAsync("read_file", new() { ["path"] = "image.png" }))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("read_file", "path", "docs")]
    [InlineData("read_file", "path", "nothing.md")]
    [InlineData("list_files", "folder", "nothing")]
    public async Task Tools_WhatIsNotThere_IsToldApart(string tool, string argument, string value) =>
        Assert.Contains("There is no", (await Assert.ThrowsAsync<ToolException>(() => CallAsync(tool, new() { [argument] = value }))).Message, StringComparison.Ordinal);

    [Fact]
    public async Task ReadFile_ByteOrderMark_IsLeftOut()
    {
        File.WriteAllBytes(Path.Combine(_root, "bom.md"), [.. Encoding.UTF8.Preamble, .. "# Hi"u8]);

        Assert.Equal("""{"path":"bom.md","title":"Hi","text":"# Hi"}""", await CallAsync("read_file", new() { ["path"] = "bom.md" }));
    }

    private void Link()
    {
        File.CreateSymbolicLink(Path.Combine(_root, "file-link.md"), Path.Combine(_top, "secret.md"));
        Directory.CreateSymbolicLink(Path.Combine(_root, "folder-link"), _top);
        File.CreateSymbolicLink(Path.Combine(_root, "chain-link.md"), "file-link.md");
        File.CreateSymbolicLink(Path.Combine(_root, "loop-link.md"), "loop-link.md");
    }

    private async Task<string> CallAsync(string tool, Dictionary<string, object?> arguments, ToolRegistry? tools = null) =>
        JsonSerializer.Serialize((JsonElement)(await (tools ?? _tools).Find(tool)!.InvokeAsync(new AIFunctionArguments(arguments), TestContext.Current.CancellationToken))!);
}
