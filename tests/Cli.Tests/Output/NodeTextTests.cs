using Polyphony.Cli.Output;
using Polyphony.Core.Durable;
using Polyphony.Core.Runs;
using Polyphony.Http.Instances;
using Polyphony.TestKit.Clocks;

namespace Polyphony.Cli.Tests.Output;

/// <summary>What the terminal says of waits, answers that were cut off, and numbers that are not known.</summary>
[Trait("Row", "H10")]
public sealed class NodeTextTests
{
    private static readonly DateTimeOffset Start = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(0, 0, "$0.0000")]
    [InlineData(0.12, 0, "$0.1200")]
    [InlineData(0.00002, 0, "<$0.0001")]
    [InlineData(0.12, 1, "$0.1200 + unknown")]
    [InlineData(0, 2, "unknown")]
    [Trait("Row", "C11")]
    public void Cost_WithUnknownPrices_IsNeverShownAsKnown(double usd, int unpriced, string text) => Assert.Equal(text, NodeText.Cost((decimal)usd, unpriced));

    [Fact]
    public void Note_WaitingCall_SaysUntilWhenAndWhy() => Assert.Equal(
        "until 2030-01-01 00:00:09Z (retry_after): HTTP 429: Rate limit reached",
        NodeText.Note(new NodeProgress
        {
            Node = "a",
            Status = "retrying",
            Error = "rate_limited",
            WaitingUntil = Start.AddSeconds(9),
            WaitReason = "retry_after",
            WaitMessage = "HTTP 429: Rate limit reached",
        }));

    [Fact]
    public void Show_NodeOfEstimatedTokensThatWasCutOff_IsMarked()
    {
        using var output = new StringWriter();

        new LineView(output, TimeProvider.System).Show(Status() with
        {
            CustomStatus = new WorkflowProgress
            {
                Nodes = [new NodeProgress { Node = "a", Status = "completed", Tokens = 1234, EstimatedCalls = 1, UnpricedCalls = 1, FinishReason = "length" }],
            },
        });

        Assert.Equal("a                done      ~1,234 tokens  unknown  cut off at the token limit", output.ToString().TrimEnd());
    }

    [Theory]
    [InlineData(100, new[] { 0, 20, 40, 60, 80, 100, 120, 140, 160, 180, 200 })]
    [InlineData(20, new[] { 0, 50, 100, 150, 200 })]
    [InlineData(0, new[] { 0 })]
    [Trait("Row", "H10")]
    public void Lines_OfItemsThatEnd_OneForEachTenthAndSecond(int millisecondsForAnItem, int[] expected)
    {
        using var output = new StringWriter();
        var clock = new FakeClock();
        var view = new LineView(output, clock);
        for (var done = 0; done <= 200; done++)
        {
            view.Show(Status() with
            {
                CustomStatus = new WorkflowProgress { Nodes = [new NodeProgress { Node = "a", Status = "running", Items = 200, ItemsDone = done }] },
            });
            clock.Advance(TimeSpan.FromMilliseconds(millisecondsForAnItem));
        }

        Assert.Equal(expected.Select(items => $"a                running   {items}/200 items"), output.ToString().TrimEnd().Split('\n').Select(line => line.TrimEnd()));
    }

    [Fact]
    public void Note_NodeWithHalfACharacter_IsMarked() =>
        Assert.Equal("half a character replaced", NodeText.Note(new NodeProgress { Node = "a", Status = "completed", ReplacedCalls = 1 }));

    [Fact]
    [Trait("Row", "C10")]
    public void Summary_WhatIsNotAsItLooks_IsSaid()
    {
        var lines = ResultText.Summary(Status() with
        {
            StopReason = StopReason.Completed,
            Usage = new Usage(3, 100, 50, 0.12m, UnpricedCalls: 1, EstimatedCalls: 2, CutOffCalls: 1, ReplacedCalls: 2),
            Outcomes =
            [
                new ActivationOutcome { Activation = "draft", Node = "draft", Kind = "agent", Status = "completed", FinishReason = "length", Usage = new Usage(1, 1, 1, 0, CutOffCalls: 1) },
                new ActivationOutcome { Activation = "fine", Node = "fine", Kind = "agent", Status = "completed", FinishReason = "stop", Usage = new Usage(1, 1, 1, 0, ReplacedCalls: 2) },
            ],
        }).Split(Environment.NewLine);

        Assert.Equal(
            [
                "Completed after 0.0 s: 3 model calls, ~150 tokens, $0.1200 + unknown. Instance i.",
                "Warning: an answer of draft was cut off at the token limit (finish reason length). Raise maxOutputTokens of the model, or set onTruncation: fail.",
                "Warning: 2 answers of fine have \uFFFD where the provider sent half a character.",
                "Warning: tokens are estimated for 2 model calls, because the provider did not count them.",
                "Warning: the cost of 1 model call is unknown. Add the price of the model to \"prices\" in the host's settings.",
            ],
            lines);
    }

    private static InstanceStatus Status() => new()
    {
        Name = "w",
        InstanceId = "i",
        RuntimeStatus = OrchestrationRuntimeStatus.Completed,
        CreatedTime = Start,
        LastUpdatedTime = Start,
        ChangeVersion = 1,
    };
}
