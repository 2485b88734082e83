using System.Text.Json;
using Polyphony.Cli.Commands;

namespace Polyphony.Cli.Tests.Questions;

/// <summary><c>approve</c> and <c>run</c> with a person at the terminal, over a real host.</summary>
[Trait("Row", "O10")]
[Trait("Row", "H10")]
public sealed class ApproveTests : IDisposable
{
    private readonly DataFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Approve_WithoutAnAnswer_AsksFieldByFieldOnATerminalAndNamesTheFieldsElsewhere()
    {
        await using var run = ToolProcess.Start(_folder.Data, ["run", "samples/approval.yaml", "topic=prices"]);
        var said = await run.SaysAsync("./dev approve");
        var id = said.Split("./dev approve ")[1].Split(' ')[0];

        var (code, _, error) = await ToolProcess.RunAsync(_folder.Data, ["approve", id]);
        Assert.Equal(2, code);
        Assert.Contains("approved=…  true or false (required)", error, StringComparison.Ordinal);

        var settings = CliSettings.Read(_folder.Data, null, null, verbose: false);
        var ended = new ScriptedLines("perhaps");
        Assert.Equal(1, await ApproveCommand.RunAsync(settings, id, [], null, ended, TestContext.Current.CancellationToken));
        Assert.False(run.HasExited);

        var lines = new ScriptedLines("1", "Well done.", "Y");
        Assert.Equal(0, await ApproveCommand.RunAsync(settings, id, [], null, lines, TestContext.Current.CancellationToken));
        var (ending, output, _) = await run.EndAsync();
        Assert.Equal(0, ending);
        Assert.Equal("Well done.", JsonElement.Parse(output).GetProperty("comment").GetString());
        Assert.Contains("May this be published?", lines.Shown, StringComparison.Ordinal);
    }
}
