using System.Text;
using System.Text.Json;
using Polyphony.Cli.Commands;
using Polyphony.Cli.Inputs;
using Polyphony.Cli.Questions;
using Polyphony.Core.Json;
using Polyphony.Http.Instances;

namespace Polyphony.Cli.Tests.Questions;

/// <summary><c>run</c> with a person at the terminal: it asks where it is followed.</summary>
[Trait("Row", "O10")]
[Trait("Row", "H10")]
public sealed class InPlaceQuestionsTests : IDisposable
{
    private readonly DataFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Run_WithAPersonThere_AsksInPlaceAndGoesOn()
    {
        var lines = new ScriptedLines("maybe", "1", "fine", "yes");

        Assert.Equal(0, await RunCommand.FollowAsync(Settings(), Start("asked-here"), json: true, lines, Token));

        Assert.Equal(0, lines.Left);
        Assert.Contains("The run waits for a person.", lines.Shown, StringComparison.Ordinal);
        Assert.Contains("found \"maybe\"", lines.Shown, StringComparison.Ordinal);
        Assert.Contains("Answered approve.", lines.Shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_QuestionLeftOpen_SaysHowToAnswerItLaterAndStaysUntilThat()
    {
        var person = new SilentPerson(leaves: true);
        var run = RunCommand.FollowAsync(Settings(), Start("left-open"), json: true, person, Token);
        await person.Asked.WaitAsync(Token);

        Assert.Equal(0, await ApproveCommand.RunAsync(Settings(), "left-open", ["approved=true"], null, null, Token));

        Assert.Equal(0, await run.WaitAsync(Token));
        Assert.Contains("Nothing was sent. Answer it with: ", person.Shown, StringComparison.Ordinal);
        Assert.Contains("approve left-open --activation approve", person.Shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_AnsweredElsewhereWhileItAsks_AsksNoMoreAndEnds()
    {
        var person = new SilentPerson(leaves: false);
        var run = RunCommand.FollowAsync(Settings(), Start("elsewhere"), json: true, person, Token);
        await person.Asked.WaitAsync(Token);

        Assert.Equal(0, await ApproveCommand.RunAsync(Settings(), "elsewhere", ["approved=true"], null, null, Token));

        Assert.Equal(0, await run.WaitAsync(Token));
        Assert.Contains("approve is not asked any more", person.Shown, StringComparison.Ordinal);
        Assert.DoesNotContain("Answered approve.", person.Shown, StringComparison.Ordinal);
    }

    private static StartDefinition Start(string id)
    {
        var (definition, _, _) = WorkflowFiles.Load(Path.Combine(ToolProcess.Root, "samples", "approval.yaml"));
        return new StartDefinition
        {
            InstanceId = id,
            Input = JsonElement.Parse("""{"topic":"prices"}"""),
            Definition = JsonElement.Parse(definition.CanonicalJson, JsonLimits.Document),
        };
    }

    private CliSettings Settings() => CliSettings.Read(_folder.Data, null, null, verbose: false);

    /// <summary>A person who says nothing, and perhaps goes away.</summary>
    private sealed class SilentPerson(bool leaves) : ILines
    {
        private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly StringBuilder _shown = new();
        private readonly Lock _lock = new();

        public Task Asked => _asked.Task;

        public string Shown
        {
            get
            {
                lock (_lock)
                {
                    return _shown.ToString();
                }
            }
        }

        public void Write(string text)
        {
            lock (_lock)
            {
                _shown.Append(text);
            }
        }

        public void WriteLine(string text) => Write($"{text}\n");

        public async Task<string?> ReadLineAsync(CancellationToken cancellationToken)
        {
            _asked.TrySetResult();
            if (!leaves)
            {
                await Task.Delay(Timeout.Infinite, cancellationToken);
            }

            return null;
        }
    }
}
